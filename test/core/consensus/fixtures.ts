import assert from 'node:assert/strict'
import type { Effect, Step } from '../../../src/core/consensus/effects.ts'
import type { RaftLimits } from '../../../src/core/consensus/limits.ts'
import { createRaft, receive, tick } from '../../../src/core/consensus/raft.ts'
import { nextDeadlineMs, type RaftState } from '../../../src/core/consensus/state.ts'
import type { Configuration, ConsensusMessage, Entry, StagedSnapshot } from '../../../src/model/consensus.ts'
import type { PeerId, Term } from '../../../src/model/ids.ts'
import { createRandom } from '../../../src/model/random.ts'

export const TIMINGS = { heartbeatMs: 200, electionMs: 1_000 }
export const [A, B, C, D, E] = ['a', 'b', 'c', 'd', 'e'] as PeerId[] as [PeerId, PeerId, PeerId, PeerId, PeerId]
export const THREE: Configuration = { voters: [A, B, C], learners: [] }
export const FIVE: Configuration = { voters: [A, B, C, D, E], learners: [] }

export type MessageOf<Type extends ConsensusMessage['type']> = Extract<ConsensusMessage, { type: Type }>

/** Entries from index 1 on with these terms; the command of each is its index. */
export function entriesOf(terms: readonly Term[]): Entry[] {
  return terms.map((term, offset) => ({ index: offset + 1, term, kind: 'command', command: Uint8Array.of(offset + 1) }))
}

export function termsOf(state: RaftState): Term[] {
  return state.log.entries.map(entry => entry.term)
}

interface PeerInit {
  readonly self?: PeerId
  readonly configuration?: Configuration
  readonly term?: Term
  readonly votedFor?: PeerId | null
  readonly terms?: readonly Term[]
  readonly entries?: readonly Entry[]
  readonly appliedIndex?: number
  readonly staged?: StagedSnapshot | null
  readonly limits?: Partial<RaftLimits>
  readonly rankSlot?: number
}

/** A peer at time 0 whose configuration is agreed from the start. */
export function peerOf({
  self = A,
  configuration = THREE,
  term = 0,
  votedFor = null,
  terms = [],
  entries = entriesOf(terms),
  appliedIndex = 0,
  staged = null,
  limits = {},
  rankSlot = 0
}: PeerInit = {}): RaftState {
  return createRaft({
    self,
    timings: TIMINGS,
    limits,
    rankSlot,
    persisted: { hardState: { term, votedFor }, snapshot: { index: 0, term: 0, configuration }, entries, appliedIndex, staged },
    random: createRandom(1),
    nowMs: 0
  })
}

/** Lets `state` win an election with the votes of `supporters`, at the moment its deadline comes. */
export function elect(state: RaftState, supporters: readonly PeerId[]): Step {
  const nowMs = nextDeadlineMs(state)
  let step = tick(state, nowMs)
  for (const pre of [true, false]) {
    for (const from of supporters) {
      if (step.state.role === 'leader') return step
      const term = pre ? step.state.term + 1 : step.state.term
      step = receive(step.state, from, { type: 'vote-response', term, pre, granted: true }, nowMs)
      if (step.state.role === 'candidate' && pre) break
    }
  }
  assert.equal(step.state.role, 'leader')
  return step
}

/** The leader after `from` has acknowledged everything up to `match`. */
export function acknowledge(state: RaftState, from: PeerId, match: number, nowMs = state.deadlineMs - TIMINGS.heartbeatMs): Step {
  return receive(state, from, { type: 'append-response', term: state.term, ok: true, match, round: state.round }, nowMs)
}

export function sentTo<Type extends ConsensusMessage['type']>(step: Step, to: PeerId, type: Type): MessageOf<Type>[] {
  return step.effects.flatMap(effect =>
    effect.type === 'send' && effect.to === to && effect.message.type === type ? [effect.message as MessageOf<Type>] : []
  )
}

/** The one message of its type to `to`. */
export function messageTo<Type extends ConsensusMessage['type']>(step: Step, to: PeerId, type: Type): MessageOf<Type> {
  const [message, ...others] = sentTo(step, to, type)
  assert.ok(message !== undefined && others.length === 0, `one ${type} to ${to} in ${JSON.stringify(step.effects)}`)
  return message
}

export function effectsOf<Type extends Effect['type']>(step: Step, type: Type): Extract<Effect, { type: Type }>[] {
  return step.effects.filter((effect): effect is Extract<Effect, { type: Type }> => effect.type === type)
}
