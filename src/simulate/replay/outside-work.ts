import { AdmissionControl, DEFAULT_POLICY } from '../../core/scheduler/admission/admission-control.ts'
import type { Machine as Admitting } from '../../core/scheduler/admission/admission.ts'
import { machineOf } from '../../core/scheduler/admission/machine-of.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'

/** As peers do: what waits is looked at so often, and nobody waits for longer than an hour. */
export const ADMISSION_LOOK_MS = 500
const WAIT_MAX_MS = 3_600_000
/** Work that nobody ends is forgotten after this: in a replay, all work ends. */
const LEASE_MS = 1e12

/** What a call asks for that is work outside CARES. */
export interface OutsideAsk {
  readonly cpus: number
  readonly memoryBytes: number
  readonly predictedMs: number
}

/** What has been asked of admission, and what came of it. */
export interface AdmissionFigures {
  asked: number
  /** Refusals, those that were followed by another question included. */
  refused: number
  /** Milliseconds from the first question to the approval, of all that were approved. */
  waitedMs: number
  approved: number
  /** Of those that had to wait and were told for how long: by how much that was wrong, in milliseconds. */
  readonly wrongByMs: number[]
  /** Looks at a machine, and how many of them found more of its cores wanted than the target allows. */
  looks: number
  looksOverTarget: number
}

/** What became of a question. `again`: the same question is worth asking later. */
export type Answer = { readonly peer: PeerId } | 'waits' | 'never' | { readonly againMs: number }

interface Asked {
  readonly firstMs: number
  /** When it was to be approved, as it was told first. */
  promisedMs?: number
}

/**
 * Work that runs outside CARES in a replay: the admission control that peers run in office, asked as they ask it, over the same delayed words of the
 * machines that placements go by.
 */
export class OutsideWork {
  readonly figures: AdmissionFigures = { asked: 0, refused: 0, waitedMs: 0, approved: 0, wrongByMs: [], looks: 0, looksOverTarget: 0 }
  readonly #control = new AdmissionControl()
  readonly #self: PeerId
  readonly #heard = new Map<PeerId, { view: PeerView; atMs: number }>()
  readonly #asked = new Map<string, Asked>()

  /** @param self who is in office; it is none of the machines */
  constructor(self: PeerId) {
    this.#self = self
  }

  get waitingCount(): number {
    return this.#control.queuedCount
  }

  /** Takes in a word of a machine. */
  hear(view: PeerView, nowMs: number): void {
    this.#heard.set(view.profile.id, { view, atMs: nowMs })
  }

  /** Asks for one piece of work. */
  ask(call: number, { cpus, memoryBytes, predictedMs }: OutsideAsk, nowMs: number): Answer {
    const id = String(call)
    const asked = this.#asked.get(id) ?? { firstMs: nowMs }
    if (!this.#asked.has(id)) this.figures.asked++
    this.#asked.set(id, asked)
    const admission = this.#control.ask(
      {
        id,
        predicted: { cpus, memoryBytes, diskBytes: 0 },
        predictedMs: Math.max(1, predictedMs),
        waitMaxMs: WAIT_MAX_MS,
        leaseMs: LEASE_MS
      },
      this.#machines(nowMs),
      nowMs
    )
    switch (admission.outcome) {
      case 'approved':
        this.#approve(id, nowMs)
        return { peer: admission.peer }
      case 'queued':
        if (admission.waitMs !== null) asked.promisedMs ??= nowMs + admission.waitMs
        return 'waits'
      case 'refused':
        this.figures.refused++
        return admission.reason === 'never_fits' ? 'never' : { againMs: Math.max(ADMISSION_LOOK_MS, admission.waitMs) }
    }
  }

  /** Looks at what waits. Returns what may start now, and what has waited for too long. */
  look(nowMs: number): { approved: readonly { call: number; peer: PeerId }[]; refused: readonly number[] } {
    const machines = this.#machines(nowMs)
    for (const { capacity, measured } of machines) {
      this.figures.looks++
      if (measured.cpus > DEFAULT_POLICY.targets.cpus * capacity.cpus + 1e-6) this.figures.looksOverTarget++
    }
    const { approved, refused } = this.#control.advance(machines, nowMs)
    for (const { id } of approved) this.#approve(id, nowMs)
    this.figures.refused += refused.length
    return { approved: approved.map(({ id, peer }) => ({ call: Number(id), peer })), refused: refused.map(Number) }
  }

  /** The work has ended, however that was. */
  complete(call: number): void {
    this.#control.complete(String(call))
  }

  /** Memory that approved work is expected to need on a machine. */
  expectedBytes(peer: PeerId): number {
    return this.#control.expectedOn(peer).memoryBytes
  }

  #approve(id: string, nowMs: number): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    this.#asked.delete(id)
    this.figures.approved++
    this.figures.waitedMs += nowMs - asked.firstMs
    if (asked.promisedMs !== undefined) this.figures.wrongByMs.push(Math.abs(nowMs - asked.promisedMs))
  }

  #machines(nowMs: number): readonly Admitting[] {
    return [...this.#heard.values()].map(({ view, atMs }) => machineOf({ ...view, ageMs: nowMs - atMs }, this.#self))
  }
}
