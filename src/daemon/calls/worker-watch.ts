import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { REACH_MS, reachedFrom, reaches } from '../members/reach.ts'
import type { Breaker } from './breaker.ts'

/** How often it is looked, and from which age on a call is worth the look: most are over by then. */
const LOOK_MS = 250
/** Workers that are asked at one look: with more of them, each is asked less often. */
const ASKED_PER_LOOK_MAX = 10
/** A worker that owes an answer for so long gets no new call: that costs a hop, should it be wrong. */
const DOUBTED_MS = 500
/** One that owes it for so long loses the calls that may be repeated. With the look before, that is about a second after it fell silent. */
const SILENT_MS = 750
/** A question is not given up before this: what comes late is a sign of life, too. */
const ANSWER_MS_MAX = 10_000
/** So many others are asked whether they hear a worker before calls are ended that cannot be repeated. */
const WITNESSES = 2
/** How long they have to answer, the time included that they give the worker. */
const WITNESS_MS = REACH_MS + 200
/** When a witness hears it, or nobody answers, it is asked again after so long. */
const ASK_AGAIN_MS = 1_000
/**
 * Workers that answer late are busy: so many times as long is waited for them the next time, up to the most, and 1 s less after each half minute.
 * The idea of local health in Lifeguard (arXiv 1707.00788), turned to the other side.
 */
const PATIENCE_FACTOR = 2
const PATIENCE_MS_MAX = 2_000
const PATIENCE_LOSS_RATIO = 1 / 30

export interface WorkerWatchInit {
  /** Silence after which calls end that cannot be repeated, if others do not hear the worker either. The same as makes a peer suspect. */
  readonly endAfterMs: number
}

export interface WorkerWatchComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly orchestrator: () => PeerId | null
  /** Milliseconds since the last consensus message of a peer. Between the orchestrator and each voter, that is never long. */
  readonly silentMs: (peer: PeerId) => number
  readonly silentWorkers: Breaker
  /** The workers of calls that were placed at least so long ago, each perhaps several times; none when nothing is in flight. */
  readonly workers: (ageMs: number) => Iterable<PeerId>
  /** Whether anything is in flight. */
  readonly isIdle: () => boolean
  /** A worker does not answer. `isConfirmed`: for long, and not to others either. Told again at each look. */
  readonly onSilent: (worker: PeerId, state: { readonly isConfirmed: boolean }) => void
}

interface Watched {
  /** A question was sent since it was last heard. */
  isAsked: boolean
  /** It is still being waited for. */
  isAsking: boolean
  /** How long it has owed the answer, in turns that this process was given. */
  silentMs: number
  /** Others are asked once it has been silent for so long. */
  askOthersMs: number
  isConfirmed: boolean
}

/**
 * Notices that a worker of long calls has fallen silent although its connection stands: it is frozen, or cut off. The connection itself tells that only
 * after 3 to 10 s.
 *
 * One timer for all calls, which runs while there are any; one question at a time to each worker, and none to those that consensus has just heard. Time is
 * counted in looks, not by the clock: a process that did not run itself has nobody to blame.
 */
export class WorkerWatch {
  readonly #init: WorkerWatchInit
  readonly #components: WorkerWatchComponents
  readonly #watched = new Map<PeerId, Watched>()
  /** What silences have taught that turned out to be none. Kept until it has worn off: at most one of each peer. */
  readonly #patience = new Map<PeerId, { readonly ms: number; readonly atMs: number }>()
  #timer: Disposable | undefined
  #lookedAtMs = 0

  constructor(init: WorkerWatchInit, components: WorkerWatchComponents) {
    this.#init = init
    this.#components = components
  }

  /** Something is in flight on another peer. */
  wake(): void {
    if (this.#timer !== undefined) return
    const { clock } = this.#components
    this.#lookedAtMs = clock.nowMs()
    this.#timer = clock.every(LOOK_MS, () => this.#look())
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#watched.clear()
  }

  #look(): void {
    const { clock, workers, isIdle, transport } = this.#components
    const nowMs = clock.nowMs()
    const passedMs = Math.min(nowMs - this.#lookedAtMs, LOOK_MS)
    this.#lookedAtMs = nowMs
    const busy = new Set(workers(LOOK_MS))
    for (const worker of busy) if (!this.#watched.has(worker)) this.#watched.set(worker, { ...HEARD, isAsking: false })
    let questions = 0
    for (const [worker, watched] of Array.from(this.#watched)) {
      // One that is doubted is asked until it answers, so that it is not tried out on calls; or until there is no connection to ask by.
      if (!busy.has(worker) && (watched.silentMs < DOUBTED_MS || !transport.connected().includes(worker))) {
        this.#watched.delete(worker)
        continue
      }
      if (this.#components.silentMs(worker) < Math.max(LOOK_MS, watched.silentMs)) this.#heard(worker, watched)
      if (watched.isAsked) watched.silentMs += passedMs
      if (!watched.isAsking && (watched.isAsked || this.#components.silentMs(worker) >= LOOK_MS) && questions < ASKED_PER_LOOK_MAX) {
        questions++
        this.#watched.delete(worker) // To the end of the line.
        this.#watched.set(worker, watched)
        void this.#ask(worker, watched)
      }
      this.#judge(worker, watched, nowMs)
    }
    for (const peer of this.#patience.keys()) if (this.#patienceMs(peer, nowMs) === 0) this.#patience.delete(peer)
    if (this.#watched.size === 0 && isIdle()) this.stop()
  }

  async #ask(worker: PeerId, watched: Watched): Promise<void> {
    watched.isAsked = true
    watched.isAsking = true
    const isHeard = await reaches(worker, ANSWER_MS_MAX, this.#components)
    watched.isAsking = false
    if (isHeard) this.#heard(worker, watched)
  }

  #heard(worker: PeerId, watched: Watched): void {
    const { clock, silentWorkers, log } = this.#components
    const { silentMs } = watched
    Object.assign(watched, HEARD)
    if (silentMs < LOOK_MS) return
    const nowMs = clock.nowMs()
    const ms = Math.min(PATIENCE_FACTOR * silentMs, PATIENCE_MS_MAX)
    if (ms > this.#patienceMs(worker, nowMs)) this.#patience.set(worker, { ms, atMs: nowMs })
    if (silentMs < DOUBTED_MS) return
    silentWorkers.close(worker)
    log.debug({ worker, silentMs }, 'a silent worker is heard again')
  }

  #judge(worker: PeerId, watched: Watched, nowMs: number): void {
    const { silentWorkers, onSilent } = this.#components
    const { silentMs } = watched
    if (silentMs < DOUBTED_MS) return
    silentWorkers.trip(worker)
    const patientMs = silentMs - this.#patienceMs(worker, nowMs)
    if (patientMs < SILENT_MS) return
    onSilent(worker, { isConfirmed: watched.isConfirmed && patientMs >= this.#init.endAfterMs })
    if (patientMs < this.#init.endAfterMs - WITNESS_MS || silentMs < watched.askOthersMs) return
    watched.askOthersMs = silentMs + ASK_AGAIN_MS
    void this.#confirm(worker, watched)
  }

  /**
   * Asks others whether they hear the worker (as SWIM does: Das, Gupta and Motivala 2002). Where nobody answers at all, this peer may be the one that
   * is cut off, and nothing is confirmed. Where there is nobody else, its own word must do.
   */
  async #confirm(worker: PeerId, watched: Watched): Promise<void> {
    const { transport, orchestrator, log } = this.#components
    const connected = transport.connected().filter(peer => peer !== worker)
    const leader = orchestrator()
    // What the orchestrator says is worth most: it hears every peer all the time.
    const witnesses = connected.toSorted((a, b) => Number(b === leader) - Number(a === leader)).slice(0, WITNESSES)
    const words = await Promise.all(witnesses.map(witness => reachedFrom(witness, worker, WITNESS_MS, this.#components)))
    if (!watched.isAsked) return
    watched.isConfirmed = !words.includes(true) && (words.includes(false) || witnesses.length === 0)
    log.debug({ worker, silentMs: watched.silentMs, confirmed: watched.isConfirmed }, 'a worker is silent')
  }

  #patienceMs(peer: PeerId, nowMs: number): number {
    const known = this.#patience.get(peer)
    return known === undefined ? 0 : Math.max(0, known.ms - (nowMs - known.atMs) * PATIENCE_LOSS_RATIO)
  }
}

/** What is known of a worker that has just been heard. */
const HEARD = { isAsked: false, silentMs: 0, askOthersMs: 0, isConfirmed: false }
