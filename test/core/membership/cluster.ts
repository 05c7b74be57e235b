import { connectionChanged, setMembers, setOrchestrator, setSelf, tick } from '../../../src/core/membership/changes.ts'
import { heard, heardDigest } from '../../../src/core/membership/heard.ts'
import { heartbeatIntervalMs } from '../../../src/core/membership/heartbeat-interval.ts'
import { createView, type MembershipEvent, type MembershipState, type MembershipStep } from '../../../src/core/membership/state.ts'
import { view, viewOf } from '../../../src/core/membership/view.ts'
import type { PeerState } from '../../../src/model/peer.ts'
import { type Preset, PRESETS, type Timings } from '../../../src/model/presets.ts'
import type { Random } from '../../../src/model/random.ts'
import { digestFrom, heartbeatOf, peerId, profileOf, statsOf } from './peers.ts'

const STEP_MS = 10
const TICK_MS = 100
const JITTER_RATIO = 0.2

interface Member {
  readonly name: string
  state: MembershipState
  seq: number
  digestSeq: number
  nextReportMs: number
  nextGossipMs: number
  nextTickMs: number
  running: boolean
}

interface InFlight {
  readonly atMs: number
  readonly to: Member
  readonly deliver: (state: MembershipState) => MembershipStep
}

export interface ClusterEvent {
  readonly atMs: number
  readonly by: string
  readonly event: MembershipEvent
}

/** Views of several peers that talk as the daemon will: reports, digests, heartbeats, connections; messages take up to `delayMs`. */
export class MembershipCluster {
  readonly members: Member[]
  readonly events: ClusterEvent[] = []
  nowMs = 0
  readonly #timings: Timings
  readonly #random: Random
  readonly #delayMs: number
  #inFlight: InFlight[] = []
  #term = 0
  #orchestrator: string | null = null

  constructor({ peers, preset, random, delayMs }: { peers: number; preset: Preset; random: Random; delayMs: number }) {
    this.#timings = PRESETS[preset]
    this.#random = random
    this.#delayMs = delayMs
    const names = Array.from({ length: peers }, (_, i) => `p${i}`)
    this.members = names.map(name => ({
      name,
      state: createView({ self: profileOf(name), stats: statsOf(0), timings: this.#timings, nowMs: 0 }),
      seq: 0,
      digestSeq: 0,
      nextReportMs: random() * this.#timings.reportMs,
      nextGossipMs: random() * this.#timings.gossipMs,
      nextTickMs: random() * TICK_MS,
      running: true
    }))
    for (const member of this.members) this.#apply(member, state => setMembers(state, names.map(peerId), new Set(), 0))
  }

  member(name: string): Member {
    const member = this.members.find(member => member.name === name)
    if (member === undefined) throw new Error(`no peer ${name}`)
    return member
  }

  /** Everyone hears of the election at once. */
  elect(name: string | null): void {
    this.#term++
    this.#orchestrator = name
    for (const member of this.members) {
      if (member.running) this.#apply(member, state => setOrchestrator(state, name === null ? null : peerId(name), this.#term, this.nowMs))
    }
  }

  /** The process dies: its messages under way arrive, its connections close. */
  kill(name: string): void {
    this.member(name).running = false
    for (const member of this.members) {
      if (member.name !== name) this.#send(member, state => connectionChanged(state, peerId(name), false, this.nowMs))
    }
  }

  /** The machine freezes or its cable is cut: no connection closes. */
  freeze(name: string): void {
    this.member(name).running = false
  }

  stateOf(name: string, by: string): PeerState | undefined {
    return viewOf(this.member(by).state, peerId(name), this.nowMs)?.state
  }

  run(ms: number): void {
    const endMs = this.nowMs + ms
    while (this.nowMs < endMs) {
      this.nowMs += STEP_MS
      const due = this.#inFlight.filter(({ atMs }) => atMs <= this.nowMs)
      this.#inFlight = this.#inFlight.filter(({ atMs }) => atMs > this.nowMs)
      for (const { to, deliver } of due) if (to.running) this.#apply(to, deliver)
      for (const member of this.members) if (member.running) this.#live(member)
    }
  }

  #live(member: Member): void {
    const { name } = member
    const id = peerId(name)
    const intervalMs = heartbeatIntervalMs(this.members.length, this.#timings.gossipMs)
    const heartbeat = (): ReturnType<typeof heartbeatOf> =>
      heartbeatOf(name, { seq: member.seq, nextWithinMs: intervalMs * (1 + JITTER_RATIO) })
    if (this.nowMs >= member.nextReportMs) {
      member.nextReportMs += this.#timings.reportMs
      member.seq++
      this.#apply(member, state => setSelf(state, profileOf(name), statsOf(member.seq), this.nowMs))
      if (this.#orchestrator === name) {
        const digest = digestFrom(name, { term: this.#term, seq: ++member.digestSeq }, view(member.state, this.nowMs))
        for (const other of this.members) this.#send(other, state => heardDigest(state, id, digest, this.nowMs))
      } else if (this.#orchestrator !== null) {
        const report = heartbeat()
        this.#send(this.member(this.#orchestrator), state => heard(state, id, report, 'report', this.nowMs))
      }
    }
    if (this.nowMs >= member.nextGossipMs) {
      member.nextGossipMs += intervalMs * (1 + JITTER_RATIO * (2 * this.#random() - 1))
      const gossip = heartbeat()
      for (const other of this.members) this.#send(other, state => heard(state, id, gossip, 'gossip', this.nowMs))
    }
    if (this.nowMs >= member.nextTickMs) {
      member.nextTickMs += TICK_MS
      this.#apply(member, state => tick(state, this.nowMs))
    }
  }

  #send(to: Member, deliver: InFlight['deliver']): void {
    this.#inFlight.push({ atMs: this.nowMs + this.#random() * this.#delayMs, to, deliver })
  }

  #apply(member: Member, change: (state: MembershipState) => MembershipStep): void {
    const { state, events } = change(member.state)
    member.state = state
    for (const event of events) this.events.push({ atMs: this.nowMs, by: member.name, event })
  }
}
