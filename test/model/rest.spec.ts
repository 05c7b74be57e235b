import assert from 'node:assert/strict'
import type { Alert } from '../../src/model/alerts.ts'
import type { CaresEvents, EventName, EventRecord } from '../../src/model/events.ts'
import type { FunctionRecord } from '../../src/model/function.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { LogLine } from '../../src/model/logs.ts'
import { type FunctionItem, type LogItem, logLineSchema, aliveSchema, functionSchema, problemSchema } from '../../src/model/rest.ts'
import { type EventItem, eventSchema } from '../../src/model/rest-events.ts'
import { REST_PATHS, restPath } from '../../src/model/rest-paths.ts'
import { sampleFunction } from '../support/samples.ts'

const ALERT: Alert = {
  key: 'disk_low/p',
  rule: 'disk_low',
  severity: 'critical',
  subject: { kind: 'peer', id: 'p' as PeerId, name: 'n' },
  state: 'raised',
  raisedAt: '2026-01-02T03:04:05.000Z',
  value: 0.93,
  threshold: 0.9,
  unit: 'ratio',
  message: 'm'
}

/** Every event there is: one that is forgotten here does not compile. */
const EVENTS: { readonly [Name in EventName]: CaresEvents[Name] } = {
  'peer:joined': { peer: 'p', name: 'n' } as CaresEvents['peer:joined'],
  'peer:returned': { peer: 'p', name: 'n' } as CaresEvents['peer:returned'],
  'peer:suspected': { peer: 'p', name: 'n', silentMs: 1 } as CaresEvents['peer:suspected'],
  'peer:gone': { peer: 'p', name: 'n', reason: 'left' } as CaresEvents['peer:gone'],
  'peer:drain-changed': { peer: 'p', name: 'n', draining: true } as CaresEvents['peer:drain-changed'],
  'orchestrator:changed': { orchestrator: null, name: null, term: 1 },
  'voters:changed': { voters: [] },
  'strategy:changed': { name: 'cost', objective: 'cheap' },
  'function:uploaded': { name: 'n', revision: 1, image: 'i' },
  'function:removed': { name: 'n' },
  'invocation:placed': {
    invocation: 'i',
    function: 'f',
    worker: 'w',
    placement: 'fallback',
    costMs: 1,
    round: 0,
    try: 0
  } as CaresEvents['invocation:placed'],
  'invocation:finished': {
    invocation: 'i',
    function: 'f',
    worker: null,
    status: 500,
    totalMs: 1,
    code: 'timeout'
  } as CaresEvents['invocation:finished'],
  'task:submitted': { task: 't', name: 'n' } as CaresEvents['task:submitted'],
  'task:started': { task: 't', name: 'n', attempt: 1, worker: 'w' } as CaresEvents['task:started'],
  'task:health-changed': {
    task: 't',
    name: 'n',
    attempt: 1,
    worker: 'w',
    health: 'healthy'
  } as CaresEvents['task:health-changed'],
  'task:port-refused': { port: 8080, task: 't', name: 'n', reason: 'r' } as CaresEvents['task:port-refused'],
  'task:requeued': { task: 't', name: 'n', attempt: 1, code: 'peer_lost' } as CaresEvents['task:requeued'],
  'task:finished': { task: 't', name: 'n', state: 'dead', attempt: 1, worker: 'w', code: null } as CaresEvents['task:finished'],
  'image:progressed': { function: 'f', from: 'p', bytes: 1, imageBytes: 2 } as CaresEvents['image:progressed'],
  'image:arrived': { function: 'f', bytes: 2, tookMs: 3 },
  'image:failed': { function: 'f', code: 'peer_lost', reason: 'r' },
  'runtime:state-changed': { ready: false, reason: 'r' },
  'alert:raised': ALERT,
  'alert:cleared': { ...ALERT, state: 'cleared', clearedAt: '2026-01-02T03:05:05.000Z' }
}

describe('the schemas of the REST API', () => {
  it('know every event, with all of its data', () => {
    assert.deepEqual(eventSchema.options.map(({ shape }) => shape.type.value).toSorted(), Object.keys(EVENTS).toSorted())
    for (const [type, data] of Object.entries(EVENTS)) {
      const event = { id: 1, at: '2026-01-02T03:04:05.000Z', type, data }
      assert.deepEqual(eventSchema.parse(event), event, type)
    }
  })

  it('take what the model has, as it is', () => {
    // These compile only while every field of the model is one of the schema's, too.
    const event = (record: EventRecord): EventItem => record
    const line = (record: LogLine): LogItem => record
    const fn = (record: FunctionRecord): FunctionItem => ({ ...record, env: { ...record.env }, url: '' })
    assert.equal(typeof event, 'function')
    const sample = fn(sampleFunction())
    assert.deepEqual(functionSchema.parse(sample), sample)
    const text = line({ at: '', peer: 'p', function: 'f', stream: 'stdout', text: '' } as unknown as LogLine)
    assert.deepEqual(logLineSchema.parse(text), text)
  })

  it('let readers of an older version ignore what they do not know', () => {
    assert.deepEqual(aliveSchema.parse({ status: 'ok', mood: 'fine' }), { status: 'ok' })
  })

  it('keep the details of a problem that have no name of their own', () => {
    const problem = { type: 't', title: 't', status: 500, code: 'internal', detail: 'd', retryable: false, attempts: 3 }
    assert.deepEqual(problemSchema.parse(problem), problem)
  })
})

describe('restPath', () => {
  it('fills in and escapes', () => {
    assert.equal(restPath(REST_PATHS.explain, { id: 'a/b?c' }), '/v1/invocations/a%2Fb%3Fc/explain')
    assert.equal(restPath(REST_PATHS.peers), '/v1/peers')
  })

  it('refuses to leave a part open', () => {
    assert.throws(() => restPath(REST_PATHS.peer), /needs id/)
  })
})
