import { leaderLost, propose, readIndex } from '../../core/consensus/raft.ts'
import { configurationOf, isActiveLeader } from '../../core/consensus/state.ts'
import { targetVoters } from '../../core/consensus/voters.ts'
import type { Configuration, ConsensusMessage } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import { SimulatedNetwork } from '../network.ts'
import { Violation } from '../violation.ts'
import { pick, type World } from '../world.ts'
import { type Coverage, emptyCoverage } from './coverage.ts'
import { createFirstImage, createImage } from './disk-image.ts'
import { Electorate } from './electorate.ts'
import type { Fault, Target } from './faults.ts'
import { FAIR_QUALITY, type Knobs, TIMINGS } from './knobs.ts'
import { encodeCommand } from './machine.ts'
import { SimulatedPeer } from './peer.ts'
import { PromiseMonitor } from './promises.ts'
import { SafetyMonitor } from './safety.ts'

const REVIEW_MS = 400
const CRASH_HINT_RATIO = 0.7
const COMMANDS_PER_PROPOSAL_MAX = 3

/** A whole cluster in one world: peers, network, clients, and the faults that befall them. */
export class SimulatedCluster {
  readonly coverage: Coverage = emptyCoverage()
  readonly safety = new SafetyMonitor()
  readonly promises = new PromiseMonitor()
  readonly #world: World
  readonly #knobs: Knobs
  readonly #network: SimulatedNetwork
  readonly #peers = new Map<PeerId, SimulatedPeer>()
  readonly #leaving = new Set<PeerId>()
  readonly #electorate: Electorate
  #isChaos = true
  #commandsCount = 0

  constructor(world: World, knobs: Knobs) {
    this.#world = world
    this.#knobs = knobs
    this.#network = new SimulatedNetwork(world, knobs.quality)
    const isChaos = (): boolean => this.#isChaos
    const { coverage, safety, promises } = this
    this.#electorate = new Electorate({ world, knobs, coverage, peers: this.#peers, leaving: this.#leaving, isChaos })
    const ids = Array.from({ length: knobs.peersCount }, (_, index) => `p${index}` as PeerId)
    const votersCount = targetVoters(knobs.peersCount)
    const formed: Configuration = { voters: ids.slice(0, votersCount), learners: ids.slice(votersCount) }
    for (const [index, id] of ids.entries()) {
      const grown = (): ReturnType<typeof createImage> => (index === 0 ? createFirstImage(id) : createImage({ voters: [], learners: [] }))
      const image = knobs.isGrown ? grown() : createImage(formed)
      safety.watch(id, image)
      const send = this.#send.bind(this)
      this.#peers.set(
        id,
        new SimulatedPeer(id, image, { world, knobs, safety, promises, coverage, send, onCrash: peer => this.#onCrash(peer), isChaos })
      )
    }
  }

  start(): void {
    for (const peer of this.#peers.values()) {
      peer.boot()
      this.#world.after(this.#world.random() * REVIEW_MS, () => this.#reviewAgain(peer))
    }
    this.#world.after(this.#knobs.proposeMs, () => this.#proposeAgain())
  }

  strike(fault: Fault): void {
    this.#world.trace(() => `fault ${JSON.stringify(fault)}`)
    switch (fault.type) {
      case 'crash':
        return this.#crash(this.#find(fault.target), fault.downMs)
      case 'mass-crash':
        return this.#some(fault.peers).forEach(peer => this.#crash(peer, fault.downMs * (0.5 + this.#world.random())))
      case 'pause': {
        const peer = this.#find(fault.target)
        peer.pause()
        this.#world.after(fault.forMs, () => peer.resume())
        return
      }
      case 'partition': {
        this.#network.healAll()
        const inside = new Set(this.#some(fault.peers))
        const all = [...this.#peers.values()]
        for (const a of all) for (const b of all) if (inside.has(a) !== inside.has(b)) this.#network.cut(a.id, b.id)
        return
      }
      case 'isolate': {
        this.#network.healAll()
        const { id } = this.#find(fault.target)
        for (const other of this.#peers.keys()) {
          this.#network.cut(other, id)
          if (fault.bothWays) this.#network.cut(id, other)
        }
        return
      }
      case 'cut-link':
        return this.#network.cut(this.#peer(fault.from).id, this.#peer(fault.to).id)
      case 'false-hint':
        for (const peer of this.#some(fault.peers)) this.#hintLeaderLost(peer)
        return
      case 'leave': {
        const { id } = this.#find(fault.target)
        if (this.#leaving.size + 1 >= this.#peers.size) return
        this.#leaving.add(id)
        this.#world.after(fault.forMs, () => this.#leaving.delete(id))
        return
      }
      case 'heal':
        return this.#network.healAll()
    }
  }

  /** All faults end: everybody is up, wants to be a member and hears everybody; nothing new is proposed. */
  heal(): void {
    this.#world.trace(() => 'all faults end')
    this.#isChaos = false
    this.#network.healAll()
    this.#network.quality = FAIR_QUALITY
    this.#leaving.clear()
    for (const peer of this.#peers.values()) {
      peer.resume()
      peer.boot()
    }
  }

  /** What is still missing for the cluster to be whole; undefined when it is. */
  findUnfinished(): string | undefined {
    const peers = [...this.#peers.values()]
    const leaders = peers.filter(peer => isActiveLeader(peer.state))
    const leader = leaders[0]
    if (leader === undefined || leaders.length > 1) return `${leaders.length} active leaders`
    const { voters, learners } = configurationOf(leader.state)
    if (voters.length + learners.length < peers.length) return `only ${voters.length + learners.length} of ${peers.length} are members`
    if (voters.length !== targetVoters(peers.length)) return `${voters.length} voters`
    const final = this.safety.finalMachine()
    const late = peers.find(peer => peer.machine.hash !== final?.hash || peer.machine.appliedIndex !== final.appliedIndex)
    if (late !== undefined) return `${late.id} has applied ${late.machine.appliedIndex} of ${final?.appliedIndex}`
    const lost = peers.find(peer => peer.state.leader !== leader.id)
    return lost === undefined ? undefined : `${lost.id} follows ${lost.state.leader ?? 'nobody'}, not ${leader.id}`
  }

  #send(from: PeerId, to: PeerId, message: ConsensusMessage): void {
    this.#network.send(from, to, () => this.#peers.get(to)?.deliver(from, message))
  }

  #crash(peer: SimulatedPeer, downMs: number): void {
    peer.crash()
    this.#world.after(downMs, () => peer.boot())
  }

  /** Whatever made it crash, it comes back; and some of those who followed it see their connection close. */
  #onCrash(crashed: SimulatedPeer): void {
    for (const peer of this.#peers.values()) {
      if (peer !== crashed && peer.state.leader === crashed.id && this.#world.chance(CRASH_HINT_RATIO)) this.#hintLeaderLost(peer)
    }
    this.#world.after(this.#world.random() * 2 * TIMINGS.electionMs, () => crashed.boot())
  }

  #hintLeaderLost(peer: SimulatedPeer): void {
    this.#world.after(this.#world.between(0.5, 5), () =>
      peer.run(() => {
        const { leader } = peer.state
        if (leader !== null) peer.take(leaderLost(peer.state, leader, peer.nowMs()))
      })
    )
  }

  #reviewAgain(peer: SimulatedPeer): void {
    peer.run(() => this.#electorate.review(peer))
    this.#world.after(REVIEW_MS * this.#world.between(0.8, 1.2), () => this.#reviewAgain(peer))
  }

  #proposeAgain(): void {
    if (!this.#isChaos) return
    this.#world.after(this.#knobs.proposeMs * this.#world.random() * 2, () => this.#proposeAgain())
    const asked = pick(this.#world.random, [...this.#peers.values()])
    const leader = asked.state.role === 'leader' ? asked : this.#peers.get(asked.state.leader ?? asked.id)
    if (leader?.isUp === true && !leader.isPaused) this.#propose(leader)
    if (this.#knobs.asksReads) for (const peer of this.#peers.values()) if (peer.isUp && !peer.isPaused) this.#read(peer)
  }

  #read(peer: SimulatedPeer): void {
    const asked = readIndex(peer.state, peer.nowMs())
    if (asked.outcome === 'refused') return
    peer.reads.add(asked, this.safety.highestAcknowledged)
    peer.take(asked)
  }

  #propose(leader: SimulatedPeer): void {
    const ids = [this.#commandsCount++]
    for (let more = Math.floor(this.#world.random() * COMMANDS_PER_PROPOSAL_MAX); more > 0; more -= 1) ids.push(this.#commandsCount++)
    const before = leader.state
    const nowMs = leader.nowMs()
    // The monitor must know the commands before they can be applied, which with one voter and an idle disk is within the step.
    const isInTouch = (voter: PeerId): boolean =>
      nowMs - Math.max(leader.heardAtMs.get(voter) ?? 0, leader.changedAtMs) < 1.5 * TIMINGS.electionMs
    const proposal = propose(before, ids.map(encodeCommand), nowMs)
    if (proposal.outcome === 'refused') {
      this.coverage.refused += 1
      return
    }
    this.safety.onAccept(before, ids, isInTouch)
    for (const [offset, command] of ids.entries()) {
      leader.pending.set(proposal.firstIndex + offset, { term: proposal.term, command })
    }
    leader.take(proposal)
  }

  /** The peers that are up come first: a fault that hits nothing teaches nothing. */
  #find({ peer, preferLeader }: Target): SimulatedPeer {
    const leader = preferLeader ? [...this.#peers.values()].find(({ isUp, state }) => isUp && state.role === 'leader') : undefined
    return leader ?? this.#peer(peer)
  }

  #some(indexes: readonly number[]): SimulatedPeer[] {
    return indexes.map(index => this.#peer(index))
  }

  #peer(index: number): SimulatedPeer {
    const peer = this.#peers.get(`p${index}` as PeerId)
    if (peer === undefined) throw new Violation(`no peer ${index}`)
    return peer
  }
}
