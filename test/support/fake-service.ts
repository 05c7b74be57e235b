import { alertRules } from '../../src/model/alerts.ts'
import { CaresError } from '../../src/model/errors.ts'
import { summaryOf } from '../../src/model/invocation-list.ts'
import type { PeerService } from '../../src/model/service.ts'
import { sampleAdmission, sampleLedger } from './economy-samples.ts'
import { fakeTasks, sampleTask } from './fake-tasks.ts'
import {
  BIRCH,
  INVOCATION,
  sampleAnswer,
  sampleCluster,
  sampleFunction,
  sampleInvocation,
  sampleListing,
  sampleProfile,
  sampleReceipt
} from './samples.ts'

/** What a service was asked: the method, and its arguments. */
export interface Asked {
  readonly method: string
  readonly args: readonly unknown[]
}

/** A service that notes what it is asked. */
export interface FakeService extends PeerService {
  readonly asked: readonly Asked[]
}

/**
 * A peer named atlas that leads a cluster of two and has one function, `thumb`, which answers with the body it was given. Whatever a test is
 * about it scripts: `createFakeService({ invoke: async () => { throw … } })`.
 */
export function createFakeService(script: Partial<PeerService> = {}): FakeService {
  const asked: Asked[] = []
  const noted = Object.entries({ ...defaults(), ...script }).map(([name, member]) => {
    if (typeof member !== 'function') return [name, member]
    const method = member as (...args: unknown[]) => unknown
    return [
      name,
      (...args: unknown[]): unknown => {
        asked.push({ method: name, args })
        return method(...args)
      }
    ]
  })
  return { ...(Object.fromEntries(noted) as PeerService), asked }
}

function defaults(): PeerService {
  const peers = [sampleListing(), sampleListing({ profile: sampleProfile({ id: BIRCH, name: 'birch' }), role: 'worker' })]
  const record = sampleInvocation()
  return {
    profile: sampleProfile(),
    tasks: fakeTasks(sampleTask(BIRCH)),
    cluster: () => sampleCluster(),
    peers: () => peers,
    peer: wanted => peers.find(({ profile }) => profile.id === wanted || profile.name === wanted) ?? missing('peer'),
    catchUp: async () => ({ staleMs: 0 }),
    functions: () => [sampleFunction()],
    function: name => (name === 'thumb' ? sampleFunction() : missing('function')),
    putFunction: async request => ({
      result: 'created',
      function: sampleFunction({ name: request.name, image: request.image }),
      because: 'no port is exposed'
    }),
    removeFunction: async () => ({ revision: 1 }),
    setStrategy: async () => {},
    invoke: async request => (request.function === 'thumb' ? sampleAnswer({ body: request.body }) : missing('function')),
    invokeAsync: async request => (request.function === 'thumb' ? { invocation: INVOCATION } : missing('function')),
    invocation: async id => (id === record.id ? record : missing('invocation')),
    invocations: async () => ({ items: [summaryOf(record, { hasResult: false })], missing: [] }),
    result: () => null,
    waitFor: async id => (id === record.id ? record : missing('invocation')),
    cancel: async id => ({ found: id === record.id }),
    logs: async function* () {
      yield { at: '2026-01-02T03:04:05.000Z', peer: BIRCH, function: 'thumb', stream: 'stderr', text: 'hello' }
    },
    eventsAfter: () => [],
    lastEventId: () => 0,
    onChange: () => ({ [Symbol.dispose]: () => {} }),
    alerts: () => ({ raised: [], recent: [], rules: alertRules(), webhook: null }),
    history: async () => ({ stepMs: 5_000, ageMs: 0, steps: 0, peers: [], functions: [], missing: [] }),
    quote: (name, question) => ({
      ...question,
      function: name === 'thumb' ? sampleFunction() : missing('function'),
      strategy: 'cost',
      objective: 'balanced',
      estimate: sampleReceipt().estimate,
      decision: sampleReceipt().decision,
      refusal: 'no peer is known',
      isForeseeable: true
    }),
    account: () => ({ cost: { quotedUsd: 0.000_1, usd: 0.000_2 }, regretMs: 0, recomputes: true }),
    costs: async () => ({ ledgers: [sampleLedger()], missing: 1 }),
    ownCosts: () => sampleLedger(),
    expectedTaskMs: () => 281,
    admit: async ({ name }) => sampleAdmission({ name }),
    admissions: async () => [sampleAdmission()],
    admission: async id => (id === sampleAdmission().id ? sampleAdmission() : missing('admission')),
    completeAdmission: async id => (id === sampleAdmission().id ? sampleAdmission({ state: 'completed' }) : missing('admission')),
    setDraining: async () => {},
    leave: async () => {},
    removePeer: async idOrName => ({ id: BIRCH, name: idOrName, removed: true }),
    prune: async () => [{ container: 'c1d9f2', function: 'thumb@1', reason: 'idle' }],
    checks: async () => [{ name: 'runtime', ok: true, message: 'docker answers' }],
    ready: () => ({ ready: true, reason: '' }),
    counters: () => ({
      invocations: [{ function: 'thumb', outcome: 'ok', count: 3 }],
      placements: [{ kind: 'orchestrator', count: 3 }],
      starts: [{ function: 'thumb', start: 'warm', count: 2 }],
      waiting: 4,
      inFlight: 1
    })
  }
}

function missing(what: string): never {
  throw new CaresError('not_found', `no ${what} of that name or id`)
}

/** The arguments of the first call of a method. */
export function argsOf({ asked }: FakeService, method: keyof PeerService): readonly unknown[] {
  const call = asked.find(entry => entry.method === method)
  if (call === undefined) throw new Error(`${method} was not asked`)
  return call.args
}
