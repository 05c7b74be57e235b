import type { TaskExplanation } from '../../src/model/rest-tasks.ts'
import { type FakeApi, problem, startFakeApi } from './fake-api.ts'
import {
  ALERTS,
  CLUSTER,
  EXPLANATION,
  HISTORY,
  INVOCATION,
  INVOCATION_ID,
  PEER_LIST,
  PEERS,
  PLACEMENT,
  samplePeer,
  STATS,
  THUMB,
  UPPER
} from './samples.ts'

const LOG_LINES = [
  {
    at: '2026-11-22T11:59:41.100Z',
    peer: samplePeer('birch').id,
    function: 'thumb',
    invocation: INVOCATION_ID,
    stream: 'stderr',
    text: 'resizing'
  },
  { at: '2026-11-22T11:59:41.140Z', peer: samplePeer('elm').id, function: 'thumb', stream: 'stdout', text: 'GET /healthz 200' }
]

const EVENTS = [
  { id: 1, at: '2026-11-22T11:58:00.000Z', type: 'peer:joined', data: { peer: samplePeer('elm').id, name: 'elm' } },
  {
    id: 2,
    at: '2026-11-22T11:58:01.000Z',
    type: 'orchestrator:changed',
    data: { orchestrator: samplePeer('atlas').id, name: 'atlas', term: 3 }
  },
  { id: 3, at: '2026-11-22T11:58:02.000Z', type: 'function:uploaded', data: { name: 'thumb', revision: 1, image: 'acme/thumb:1.4' } },
  {
    id: 4,
    at: '2026-11-22T11:59:41.010Z',
    type: 'invocation:placed',
    data: {
      invocation: INVOCATION_ID,
      function: 'thumb',
      worker: samplePeer('birch').id,
      placement: 'fallback',
      costMs: 50,
      round: 0,
      try: 0
    }
  },
  {
    id: 5,
    at: '2026-11-22T11:59:41.054Z',
    type: 'invocation:finished',
    data: { invocation: INVOCATION_ID, function: 'thumb', worker: samplePeer('birch').id, status: 200, totalMs: 44, code: null }
  },
  { id: 6, at: '2026-11-22T11:59:50.000Z', type: 'peer:gone', data: { peer: samplePeer('cedar').id, name: 'cedar', reason: 'silent' } }
]

/** What a peer says of itself. */
export const CHECKS = {
  ok: false,
  items: [
    { name: 'runtime', ok: true, message: 'docker 20.10 answers' },
    { name: 'quorum', ok: false, message: '1 of 3 voters answers', hint: 'start the other peers' }
  ]
}

/** Of a task that was placed as the sample call was, and why not elsewhere. */
export const TASK_EXPLANATION: TaskExplanation = {
  id: 't-1',
  state: 'running',
  reasons: ['2026-11-22T00:41:07.312Z placed on birch by cost; 5 peers were there'],
  placement: PLACEMENT,
  recomputes: true,
  whyNot: { peer: PLACEMENT.verdicts[1]?.peer ?? PLACEMENT.by, why: 'no warm container' }
}

/** A cluster in which all is as it should be. */
export async function startHealthyApi(): Promise<FakeApi> {
  return await startFakeApi({
    'GET /v1/peers': PEER_LIST,
    'GET /v1/peers/birch': PEERS[1] ?? {},
    'POST /v1/peers/birch/drain': { id: samplePeer('birch').id, name: 'birch', draining: true },
    'POST /v1/peers/birch/resume': { id: samplePeer('birch').id, name: 'birch', draining: false },
    'GET /v1/cluster': CLUSTER,
    'GET /v1/strategy': CLUSTER.strategy,
    'PUT /v1/strategy': { name: 'greedy', objective: null, agreed: true },
    'DELETE /v1/strategy': CLUSTER.strategy,
    'POST /v1/leave': { left: true },
    'DELETE /v1/peers/birch': { id: samplePeer('birch').id, name: 'birch', removed: true },
    'DELETE /v1/peers/cedar': problem('conflict', 'cedar is alive', 409, { hint: 'stop its process first' }),
    'GET /v1/stats': STATS,
    'GET /v1/stats/history': HISTORY,
    'GET /v1/alerts': ALERTS,
    'GET /v1/checks': CHECKS,
    'POST /v1/prune': { dryRun: false, items: [{ container: 'c1d9f2aa77ab01bb', function: 'thumb@0', reason: 'idle 2h' }] },
    'GET /v1/functions': { items: [THUMB, UPPER] },
    'GET /v1/functions/thumb': THUMB,
    'POST /v1/functions': { result: 'created', dryRun: false, because: 'port 8080 from EXPOSE', function: THUMB },
    'DELETE /v1/functions/thumb': { name: 'thumb', revision: 1 },
    'GET /v1/invocations': { items: [INVOCATION], missing: [] },
    [`GET /v1/invocations/${INVOCATION_ID}`]: INVOCATION,
    [`DELETE /v1/invocations/${INVOCATION_ID}`]: { id: INVOCATION_ID, found: true },
    [`GET /v1/invocations/${INVOCATION_ID}/explain`]: EXPLANATION,
    'GET /v1/tasks/t-1/explain': TASK_EXPLANATION,
    'GET /v1/logs': response => void response.end(LOG_LINES.map(line => `${JSON.stringify(line)}\n`).join('')),
    'GET /v1/events': response => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(EVENTS.map(event => `id: 1.${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
    }
  })
}
