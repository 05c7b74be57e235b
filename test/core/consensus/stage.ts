import assert from 'node:assert/strict'
import type { Effect, Step } from '../../../src/core/consensus/effects.ts'
import { createRaft, receive, tick } from '../../../src/core/consensus/raft.ts'
import { nextDeadlineMs, type RaftState } from '../../../src/core/consensus/state.ts'
import type { Configuration, ConsensusMessage, Entry } from '../../../src/model/consensus.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { createRandom } from '../../../src/model/random.ts'
import { TIMINGS } from './fixtures.ts'

interface Delivery {
  readonly atMs: number
  readonly from: PeerId
  readonly to: PeerId
  readonly message: ConsensusMessage
}

const HOP_MS = 1

/** Disk, network, tables, news. */
const ORDER: Readonly<Record<Effect['type'], number>> = {
  persist: 1,
  stage: 1,
  restore: 1,
  send: 2,
  'send-snapshot': 2,
  apply: 3,
  'configuration-changed': 4,
  'role-changed': 4
}

/** A handful of peers on a perfect network of 1 ms hops, for stories that are told by hand. Writes down all that happens but idle heartbeats. */
export class Stage {
  readonly lines: string[] = []
  nowMs = 0
  readonly #states = new Map<PeerId, RaftState>()
  readonly #applied = new Map<PeerId, Entry[]>()
  readonly #down = new Set<PeerId>()
  readonly #cut = new Set<string>()
  #deliveries: Delivery[] = []

  constructor(
    peers: readonly PeerId[],
    configuration: (peer: PeerId) => Configuration,
    entries: (peer: PeerId) => readonly Entry[] = () => []
  ) {
    for (const [index, self] of peers.entries()) {
      const snapshot = { index: 0, term: 0, configuration: configuration(self) }
      const log = entries(self)
      const persisted = { hardState: { term: log.at(-1)?.term ?? 0, votedFor: null }, snapshot, entries: log }
      const state = createRaft({ self, timings: TIMINGS, persisted, random: createRandom(index + 1), nowMs: 0 })
      this.#states.set(self, state)
      this.#applied.set(self, [])
    }
  }

  state(peer: PeerId): RaftState {
    const state = this.#states.get(peer)
    if (state === undefined) throw new Error(`no peer ${peer}`)
    return state
  }

  applied(peer: PeerId): readonly Entry[] {
    return this.#applied.get(peer) ?? []
  }

  /** A line of the storyteller's own. */
  tell(line: string): void {
    this.lines.push('', `# ${line}`)
  }

  /** Feeds one input to one peer. */
  step<Outcome extends Step>(peer: PeerId, input: (state: RaftState, nowMs: number) => Outcome): Outcome {
    const outcome = input(this.state(peer), this.nowMs)
    this.#states.set(peer, outcome.state)
    const ranks = outcome.effects.map(({ type }) => ORDER[type])
    assert.deepEqual(
      ranks,
      ranks.toSorted((a, b) => a - b),
      'the effects of every step are in the one order that is safe'
    )
    for (const effect of outcome.effects) this.#perform(peer, effect)
    return outcome
  }

  kill(peer: PeerId): void {
    this.#down.add(peer)
  }

  /** Nothing passes between `inside` and the others, from now on. */
  partition(inside: readonly PeerId[]): void {
    for (const a of this.#states.keys()) {
      for (const b of this.#states.keys()) if (inside.includes(a) !== inside.includes(b)) this.#cut.add(a + b)
    }
  }

  heal(): void {
    this.#cut.clear()
  }

  /** Lets messages arrive and deadlines come, for so long. */
  run(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const delivery = this.#deliveries[0]
      const due = this.#nextDue()
      const deliveryMs = delivery?.atMs ?? Number.POSITIVE_INFINITY
      const dueMs = due === undefined ? Number.POSITIVE_INFINITY : nextDeadlineMs(this.state(due))
      if (Math.min(deliveryMs, dueMs) > untilMs) break
      this.nowMs = Math.max(this.nowMs, Math.min(deliveryMs, dueMs))
      if (delivery !== undefined && deliveryMs <= dueMs) {
        this.#deliveries = this.#deliveries.slice(1)
        this.#deliver(delivery)
      } else if (due !== undefined) this.step(due, tick)
    }
    this.nowMs = untilMs
  }

  #nextDue(): PeerId | undefined {
    const up = [...this.#states.keys()].filter(peer => !this.#down.has(peer))
    return up.sort((a, b) => nextDeadlineMs(this.state(a)) - nextDeadlineMs(this.state(b)))[0]
  }

  #deliver({ from, to, message }: Delivery): void {
    if (this.#down.has(to) || this.#cut.has(from + to)) return
    this.step(to, (state, nowMs) => receive(state, from, message, nowMs))
  }

  #perform(peer: PeerId, effect: Effect): void {
    if (effect.type === 'send') {
      if (this.#down.has(peer) || this.#cut.has(peer + effect.to)) return
      this.#deliveries.push({ atMs: this.nowMs + HOP_MS, from: peer, to: effect.to, message: effect.message })
      if (!isIdle(effect.message)) this.#write(`${peer} -> ${effect.to}  ${describeMessage(effect.message)}`)
      return
    }
    if (effect.type === 'apply') this.#applied.get(peer)?.push(...effect.entries)
    this.#write(`${peer} ${describe(effect)}`)
  }

  #write(line: string): void {
    this.lines.push(`${this.nowMs.toFixed(0).padStart(5)}  ${line}`)
  }
}

/** Heartbeats and their answers say nothing that a reader misses. */
function isIdle(message: ConsensusMessage): boolean {
  return (message.type === 'append-request' && message.entries.length === 0) || (message.type === 'append-response' && message.ok)
}

function describe(effect: Exclude<Effect, { type: 'send' }>): string {
  switch (effect.type) {
    case 'persist': {
      const { hardState, truncateFrom, append } = effect.batch
      const parts = [
        hardState === undefined ? [] : [`term ${hardState.term}, vote for ${hardState.votedFor ?? 'nobody'}`],
        truncateFrom === undefined ? [] : [`nothing from ${truncateFrom}`],
        append.map(describeEntry)
      ]
      return `persists ${parts.flat().join(', ')}`
    }
    case 'stage':
      return `keeps ${effect.chunk.data.length} bytes of the snapshot of ${effect.chunk.snapshot.index}`
    case 'restore':
      return `restores the snapshot of ${effect.snapshot.index}`
    case 'send-snapshot':
      return `-> ${effect.to}  snapshot, term ${effect.term}`
    case 'apply':
      return `applies ${effect.entries.map(describeEntry).join(', ')}`
    case 'configuration-changed':
      return `counts voters ${effect.configuration.voters.join(' ')}; learners ${effect.configuration.learners.join(' ') || 'none'}`
    case 'role-changed':
      return `is ${effect.role} in term ${effect.term}${effect.active ? ', active' : ''}; leader: ${effect.leader ?? 'unknown'}`
  }
}

function describeEntry({ index, term, kind }: Entry): string {
  return `${kind} ${index}/${term}`
}

function describeMessage(message: ConsensusMessage): string {
  switch (message.type) {
    case 'vote-request':
      return `${message.pre ? 'pre-vote' : 'vote'} for me in term ${message.term}? my log ends at ${message.lastIndex}/${message.lastTerm}${message.transfer ? ', by transfer' : ''}`
    case 'vote-response':
      return `${message.granted ? 'yes' : 'no'}, term ${message.term}`
    case 'append-request':
      return `append after ${message.prevIndex}/${message.prevTerm}: ${message.entries.map(describeEntry).join(', ')}; committed ${message.commit}`
    case 'append-response':
      return `does not fit, try ${message.match}, term ${message.term}`
    case 'snapshot-request':
      return `snapshot of ${message.snapshot.index}, from byte ${message.offset} on`
    case 'snapshot-response':
      return `has ${message.received} bytes of the snapshot of ${message.index}`
    case 'timeout-now':
      return `campaign now, term ${message.term}`
  }
}
