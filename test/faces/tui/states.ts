import type { Peer } from '../../../src/model/rest.ts'
import type { Invocation } from '../../../src/model/rest-invocations.ts'
import type { EventItem } from '../../../src/model/rest-events.ts'
import type { TaskItem, TaskList } from '../../../src/model/rest-tasks.ts'
import type { Look } from '../../../src/faces/tui/cluster-data.ts'
import type { MachineFacts, TuiSettings } from '../../../src/faces/tui/environment.ts'
import { charKey, type Key, type KeyName } from '../../../src/faces/tui/keys.ts'
import { type Effect, initialState, type Size, type TuiState } from '../../../src/faces/tui/state.ts'
import { update } from '../../../src/faces/tui/update.ts'
import { CLUSTER, HISTORY, INVOCATION, INVOCATION_ID, NOW, NOW_MS, PEERS, samplePeer, STATS, THUMB, UPPER } from '../samples.ts'

/** An 80 x 24 terminal that shows colours and more than ASCII. */
export const SETTINGS: TuiSettings = {
  api: 'http://127.0.0.1:7070',
  colour: true,
  unicode: true,
  screenReader: false,
  readOnly: false,
  named: false
}

export const MACHINE: MachineFacts = {
  checks: [
    { name: 'node', ok: true, message: 'v24.21.0', hint: undefined },
    { name: 'machine', ok: true, message: '8 cores and 14.1Gi of memory for functions', hint: undefined },
    { name: 'docker', ok: false, message: 'there is no /var/run/docker.sock', hint: 'install and start Docker' }
  ],
  runtime: 'docker',
  cpus: 8,
  memory: '15.6Gi',
  knownData: null,
  freshData: '/home/ann/.local/share/cares'
}

/** The screen before anything has happened. */
export function freshState(size: Size = { columns: 80, rows: 24 }, settings: Partial<TuiSettings> = {}): TuiState {
  return initialState({ settings: { ...SETTINGS, ...settings }, version: '0.1.0', nowMs: NOW_MS, size })
}

/** What the peers of the samples answer; `self` is the one that is asked. */
export function sampleLook(self = 'atlas', peers: readonly Peer[] = PEERS): Look {
  return {
    peers,
    cluster: { ...CLUSTER, self: { id: samplePeer(self).id, name: self } },
    stats: { ...STATS, at: NOW },
    functions: [THUMB, UPPER],
    invocations: { items: [INVOCATION, { ...INVOCATION, id: 'i-2', start: 'cold' }], missing: [] },
    calls: HISTORY,
    networkRate: { inBytes: 1_258_291, outBytes: 317_440 }
  }
}

const STARTED_AT = '2026-11-22T11:50:01.000Z'
const FAILURE = { code: 'function_failed', message: 'exit code 1', exitCode: 1 }

/** One task of each kind that a list shows. */
export const TASKS: TaskList = {
  items: [
    sampleTask('nightly', 'queued'),
    sampleTask('encode', 'running'),
    sampleTask('report', 'succeeded'),
    sampleTask('import', 'dead')
  ],
  counts: { queued: 1, running: 1, succeeded: 1, dead: 1, cancelled: 0 },
  next: null
}

function sampleTask(name: string, state: TaskItem['state']): TaskItem {
  const isAssigned = state !== 'queued'
  const worker = { id: samplePeer('birch').id, name: 'birch' }
  return {
    id: `t-${name.padEnd(26, 'a')}`,
    service: null,
    name,
    state,
    image: `acme/${name}:1`,
    digest: THUMB.digest,
    function: null,
    args: ['--all'],
    env: {},
    network: 'none',
    cpus: 1,
    memoryBytes: 256 * 2 ** 20,
    timeoutMs: 600_000,
    idempotencyKey: null,
    gateway: { id: samplePeer('atlas').id, name: 'atlas' },
    worker: isAssigned ? worker : null,
    attempt: isAssigned ? 1 : 0,
    failures: state === 'dead' ? 3 : 0,
    attemptsMax: 3,
    attempts: isAssigned ? [{ attempt: 1, worker, startedAt: STARTED_AT, endedAt: null, failure: state === 'dead' ? FAILURE : null }] : [],
    submittedAt: '2026-11-22T11:50:00.000Z',
    startedAt: isAssigned ? STARTED_AT : null,
    finishedAt: state === 'succeeded' || state === 'dead' ? '2026-11-22T11:51:00.000Z' : null,
    inputBytes: 0,
    outputBytes: state === 'succeeded' ? 20 : null,
    exitCode: state === 'succeeded' ? 0 : state === 'dead' ? 1 : null,
    error: null,
    usage: state === 'succeeded' ? { queueMs: 2, pullMs: 0, startMs: 300, runMs: 58_000, bytesIn: 0, bytesOut: 20 } : null
  }
}

const AT = (second: number): string => new Date(NOW_MS - 60_000 + second * 1_000).toISOString()

/** A minute of a cluster's life. */
export const EVENTS: readonly EventItem[] = [
  { id: 1, at: AT(1), type: 'peer:joined', data: { peer: samplePeer('elm').id, name: 'elm' } },
  { id: 2, at: AT(2), type: 'orchestrator:changed', data: { orchestrator: samplePeer('atlas').id, name: 'atlas', term: 3 } },
  { id: 3, at: AT(3), type: 'voters:changed', data: { voters: ['atlas', 'birch', 'elm'].map(name => samplePeer(name).id) } },
  { id: 4, at: AT(4), type: 'function:uploaded', data: { name: 'thumb', revision: 1, image: 'acme/thumb:1.4' } },
  placed(5, AT(30), { worker: 'birch', costMs: 50 }),
  finished(6, AT(31), { worker: 'birch', totalMs: 44 }),
  placed(7, AT(32), { worker: 'elm', costMs: 168, placement: 'fallback' }),
  finished(8, AT(33), { worker: 'elm', totalMs: 900, code: 'out_of_memory', status: 500 }),
  { id: 9, at: AT(40), type: 'peer:suspected', data: { peer: samplePeer('cedar').id, name: 'cedar', silentMs: 3_000 } },
  { id: 10, at: AT(50), type: 'peer:gone', data: { peer: samplePeer('cedar').id, name: 'cedar', reason: 'silent' } },
  { id: 11, at: AT(51), type: 'peer:drain-changed', data: { peer: samplePeer('dogwood').id, name: 'dogwood', draining: true } },
  { id: 12, at: AT(52), type: 'runtime:state-changed', data: { ready: false, reason: 'the engine does not answer' } }
]

/** A call that was placed. */
export function placed(
  id: number,
  at: string,
  { worker, costMs, placement = 'orchestrator' }: { worker: string; costMs: number; placement?: 'orchestrator' | 'fallback' }
): EventItem {
  const data = { invocation: INVOCATION_ID, function: 'thumb', worker: samplePeer(worker).id, placement, costMs, round: 0, try: 0 }
  return { id, at, type: 'invocation:placed', data }
}

/** A call that has ended. */
export function finished(
  id: number,
  at: string,
  { worker, totalMs, code = null, status = 200 }: { worker: string; totalMs: number; code?: string | null; status?: number }
): EventItem {
  const data = { invocation: INVOCATION_ID, function: 'thumb', worker: samplePeer(worker).id, status, totalMs, code }
  return { id, at, type: 'invocation:finished', data }
}

/** A screen that has watched the sample cluster for some seconds through one of its peers. */
export function watching(self = 'atlas', size?: Size, settings?: Partial<TuiSettings>): TuiState {
  let state = update(freshState(size, settings), { type: 'probed', answers: true }).state
  for (let second = 0; second < 40; second++) {
    const peers = PEERS.map(peer => seen(peer, second))
    const [events, look] = second === 39 ? [EVENTS, withCallThroughElm(sampleLook(self, peers))] : [[], sampleLook(self, peers)]
    state = update(state, { type: 'tick', nowMs: NOW_MS, look, events }).state
  }
  return state
}

/** The call of which a cluster that was watched tells last. */
export const NEWEST_CALL = `${INVOCATION_ID.slice(0, -6)}3m0elm`

/** One more call has ended, of which no event tells: birch ran it, and elm had taken it in. */
function withCallThroughElm(look: Look): Look {
  const elm = { id: samplePeer('elm').id, name: 'elm' }
  const call: Invocation = {
    ...INVOCATION,
    id: `${INVOCATION_ID.slice(0, -6)}3m0elm`,
    gateway: elm,
    acceptedAt: '2026-11-22T11:59:59.900Z'
  }
  return { ...look, invocations: { items: [call, ...(look.invocations?.items ?? [])], missing: [] } }
}

/** A peer some seconds before the samples: busier or not, and with less done. */
function seen(peer: Peer, second: number): Peer {
  if (peer.state === 'gone' || second === 39) return peer
  const cpus = Math.min(peer.capacity.cpus, peer.used.cpus * (1 + 0.6 * Math.sin(second / 5)))
  return { ...peer, succeeded: peer.succeeded - (39 - second) * 2, used: { ...peer.used, cpus } }
}

/** `enter`, `esc` and the like press a key by its name; anything else is typed. */
export function press(state: TuiState, ...words: readonly string[]): TuiState {
  return pressed(state, ...words).state
}

/** The same, with the effects of all these keys. */
export function pressed(state: TuiState, ...words: readonly string[]): { readonly state: TuiState; readonly effects: readonly Effect[] } {
  let current = state
  const effects: Effect[] = []
  for (const key of words.flatMap(keysFor)) {
    const step = update(current, { type: 'key', key })
    current = step.state
    effects.push(...step.effects)
  }
  return { state: current, effects }
}

const NAMED: Readonly<Record<string, KeyName>> = {
  up: 'up',
  down: 'down',
  left: 'left',
  right: 'right',
  home: 'home',
  end: 'end',
  enter: 'enter',
  esc: 'escape',
  tab: 'tab',
  backspace: 'backspace'
}

function keysFor(word: string): readonly Key[] {
  const name = NAMED[word]
  if (name !== undefined) return [{ name, text: '', ctrl: false }]
  if (word.startsWith('ctrl-')) return [{ name: 'char', text: word.slice(5), ctrl: true }]
  return Array.from(word, charKey)
}
