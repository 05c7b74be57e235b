import { reconfigure, transfer } from '../../core/consensus/raft.ts'
import { configurationOf } from '../../core/consensus/state.ts'
import { lastIndex, membersOf } from '../../core/consensus/log.ts'
import { type MemberHealth, nextVoterChange } from '../../core/consensus/voters.ts'
import type { Configuration } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import { pick, type World } from '../world.ts'
import type { Coverage } from './coverage.ts'
import { type Knobs, TIMINGS } from './knobs.ts'
import type { SimulatedPeer } from './peer.ts'

export interface ElectorateComponents {
  readonly world: World
  readonly knobs: Knobs
  readonly coverage: Coverage
  readonly peers: ReadonlyMap<PeerId, SimulatedPeer>
  /** Those that want to be no members for now. */
  readonly leaving: ReadonlySet<PeerId>
  /** Whether faults go on: as long as they do, the configuration is changed at random, too. */
  readonly isChaos: () => boolean
}

const SUSPECT_AFTER_MS = 1.5 * TIMINGS.electionMs
const GONE_AFTER_MS = 2.5 * TIMINGS.electionMs

/** Keeps the members right, as the leader's daemon does: adds who wants to join, then asks `nextVoterChange`, one change at a time. */
export class Electorate {
  readonly #components: ElectorateComponents
  /** What each leader has seen of the others in its present term. */
  readonly #health = new Map<PeerId, { readonly term: number; readonly members: Map<PeerId, MemberHealth> }>()

  constructor(components: ElectorateComponents) {
    this.#components = components
  }

  /** One look of one peer at its cluster. Only a leader acts; whether it may yet is the core's to say. */
  review(peer: SimulatedPeer): void {
    const { state } = peer
    if (state.role !== 'leader') return
    const { world, knobs, isChaos } = this.#components
    const health = this.#observe(peer)
    if (isChaos() && world.chance(knobs.restlessRatio)) return this.#stir(peer)
    const joining = [...this.#components.peers.keys()].filter(id => !membersOf(configurationOf(state)).includes(id) && !this.#isLeaving(id))
    if (joining.length > 0) {
      const { voters, learners } = configurationOf(state)
      this.#reconfigure(peer, { voters, learners: [...learners, ...joining] })
      return
    }
    const change = nextVoterChange({
      self: peer.id,
      configuration: configurationOf(state),
      health,
      leaving: this.#components.leaving,
      timings: TIMINGS,
      nowMs: peer.nowMs()
    })
    if (change === null || !this.#reconfigure(peer, change.configuration)) return
    world.trace(() => `${peer.id} will ${change.type} ${change.peer}: ${change.reason}`)
    const { coverage } = this.#components
    if (change.type === 'promote') coverage.promotions += 1
    if (change.type === 'demote') coverage.demotions += 1
    if (change.type === 'remove') {
      coverage.removals += 1
      if (change.peer === peer.id) coverage.leaderRemovedItself += 1
    }
  }

  /** Any legal change, wise or not: safety must not depend on the wisdom of `nextVoterChange`. */
  #stir(peer: SimulatedPeer): void {
    const { world, coverage } = this.#components
    const { voters, learners } = configurationOf(peer.state)
    const others = voters.filter(voter => voter !== peer.id)
    const kind = world.random()
    if (kind < 0.3 && others.length > 0) {
      const to = pick(world.random, others)
      if (peer.take(transfer(peer.state, to, peer.nowMs())).outcome === 'started') coverage.transfers += 1
    } else if (kind < 0.65 && learners.length > 0) {
      const promoted = pick(world.random, learners)
      this.#reconfigure(peer, { voters: [...voters, promoted], learners: learners.filter(learner => learner !== promoted) })
    } else if (voters.length > 1) {
      const demoted = pick(world.random, voters)
      this.#reconfigure(peer, { voters: voters.filter(voter => voter !== demoted), learners: [...learners, demoted] })
    }
  }

  #reconfigure(peer: SimulatedPeer, configuration: Configuration): boolean {
    const { outcome } = peer.take(reconfigure(peer.state, configuration, peer.nowMs()))
    if (outcome === 'refused') return false
    this.#components.coverage.reconfigurations += 1
    return true
  }

  #observe(peer: SimulatedPeer): ReadonlyMap<PeerId, MemberHealth> {
    const { state } = peer
    const known = this.#health.get(peer.id)
    const members = known?.term === state.term ? known.members : new Map<PeerId, MemberHealth>()
    this.#health.set(peer.id, { term: state.term, members })
    const nowMs = peer.nowMs()
    for (const progress of state.progress) {
      const now = { state: healthState(nowMs - progress.ackedAtMs), lag: lastIndex(state.log) - progress.match }
      const sinceMs = members.get(progress.peer)?.state === now.state ? (members.get(progress.peer)?.sinceMs ?? nowMs) : nowMs
      members.set(progress.peer, { ...now, sinceMs })
    }
    return members
  }

  #isLeaving(id: PeerId): boolean {
    return this.#components.leaving.has(id)
  }
}

function healthState(silentMs: number): MemberHealth['state'] {
  if (silentMs < SUSPECT_AFTER_MS) return 'alive'
  return silentMs < GONE_AFTER_MS ? 'suspect' : 'gone'
}
