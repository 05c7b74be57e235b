import { toCaresError } from '../model/errors.ts'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { WarmPool } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import { aheadOf } from '../core/pools/demand.ts'
import type { DemandBook } from './demand-book.ts'
import type { Driver, StdioInstance } from './driver.ts'
import type { Idle, Ledger, Reservation } from './resources.ts'
import { functionEnv } from './stdio-env.ts'

/** Starts at once: one, since each takes an engine's whole attention for some 130 ms, and calls that start cold must not stand behind many. */
const STARTS_MAX = 1

/** After a start failed, or a started program ended before its call, how long that function is left alone. */
const RETRY_AFTER_MS = 5_000

/** A started program that waits on stdin, and what it was promised. */
export interface Prewarmed {
  readonly instance: StdioInstance
  readonly reservation: Reservation
}

interface Waiting extends Prewarmed {
  readonly worth: number
}

interface Shelf {
  readonly fn: FunctionRecord
  readonly waiting: Set<Waiting>
  notBeforeMs: number
}

/** What a {@link PrewarmPool} needs around it. */
export interface PrewarmComponents {
  readonly driver: Pick<Driver, 'startStdio'>
  readonly ledger: Ledger
  readonly demands: DemandBook
  readonly clock: Clock
  readonly log: Logger
}

/** Keeps `prewarm` started programs of each `stdio` function waiting on stdin, each for one call, as far as there is room that nobody else uses. */
export class PrewarmPool {
  readonly #components: PrewarmComponents
  readonly #shelves = new Map<string, Shelf>()
  readonly #stopping = new AbortController()
  readonly #starting = new Set<Promise<void>>()

  constructor(components: PrewarmComponents) {
    this.#components = components
  }

  /** The functions that exist; programs of others are ended. Those whose image is not for this machine's architecture are never placed here. */
  setFunctions(functions: readonly FunctionRecord[], machineArch: string): void {
    const wanted = functions.filter(
      ({ contract, prewarm, arch }) => contract === 'stdio' && prewarm !== 0 && (arch === undefined || arch === machineArch)
    )
    const keys = new Set(wanted.map(functionKey))
    for (const [key, shelf] of this.#shelves) {
      if (keys.has(key)) continue
      this.#shelves.delete(key)
      for (const { instance } of taken(shelf)) void instance.dispose()
    }
    for (const fn of wanted) {
      if (!this.#shelves.has(functionKey(fn))) this.#shelves.set(functionKey(fn), { fn, waiting: new Set(), notBeforeMs: 0 })
    }
    this.refill()
  }

  /** A waiting program of this function, which is now the caller's, to be disposed of by it. */
  take(fn: FunctionRecord): Prewarmed | undefined {
    const shelf = this.#shelves.get(functionKey(fn))
    const [oldest] = shelf?.waiting ?? []
    if (shelf === undefined || oldest === undefined) return undefined
    shelf.waiting.delete(oldest)
    return oldest
  }

  /** Starts what is missing, one after the other. Called whenever room may have come free. */
  refill(): void {
    if (this.#stopping.signal.aborted || this.#starting.size >= STARTS_MAX) return
    const { clock, ledger } = this.#components
    const nowMs = clock.nowMs()
    for (const shelf of this.#shelves.values()) this.#trim(shelf, nowMs)
    const lacking = [...this.#shelves.values()]
      .map(shelf => ({ shelf, wanted: this.#wanted(shelf.fn, nowMs) }))
      .filter(({ shelf: { fn, waiting, notBeforeMs }, wanted }) => waiting.size < wanted && notBeforeMs <= nowMs && ledger.fits(fn))
      // The emptiest shelf first, so that one function's large number does not starve another's small one.
      .sort((a, b) => a.shelf.waiting.size / a.wanted - b.shelf.waiting.size / b.wanted)[0]?.shelf
    if (lacking === undefined) return
    const started = this.#add(lacking, ledger.reserve(lacking.fn)).finally(() => {
      this.#starting.delete(started)
      this.refill()
    })
    this.#starting.add(started)
  }

  #wanted(fn: FunctionRecord, nowMs: number): number {
    return fn.prewarm === 'auto' ? aheadOf(this.#components.demands.of(fn), nowMs) : fn.prewarm
  }

  /** Ends what demand does not want any more. */
  #trim({ fn, waiting }: Shelf, nowMs: number): void {
    if (fn.prewarm !== 'auto') return
    for (const surplus of [...waiting].slice(this.#wanted(fn, nowMs))) {
      waiting.delete(surplus)
      void surplus.instance.dispose()
    }
  }

  warm(): readonly WarmPool[] {
    return [...this.#shelves.values()].map(({ fn, waiting }) => ({ function: functionKey(fn), idle: waiting.size, busy: 0 }))
  }

  idle(): readonly Idle[] {
    return [...this.#shelves.values()].flatMap(({ waiting }) =>
      [...waiting].map(one => ({
        worth: one.worth,
        reservation: one.reservation,
        evict: async () => {
          waiting.delete(one)
          await one.instance.dispose()
        }
      }))
    )
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#starting)
    const waiting = [...this.#shelves.values()].flatMap(taken)
    this.#shelves.clear()
    await Promise.all(waiting.map(async ({ instance }) => instance.dispose()))
  }

  async #add(shelf: Shelf, reservation: Reservation): Promise<void> {
    const { driver, demands, clock, log } = this.#components
    const fail = (err: unknown): void => {
      shelf.notBeforeMs = clock.nowMs() + RETRY_AFTER_MS
      if (!this.#stopping.signal.aborted) log.warn({ err, function: functionKey(shelf.fn) }, 'not prewarmed')
    }
    try {
      const instance = await driver.startStdio(shelf.fn, functionEnv(shelf.fn), {
        signal: this.#stopping.signal,
        gpuIds: reservation.gpuIds
      })
      const waiting: Waiting = { instance, reservation, worth: demands.worth(shelf.fn) }
      void instance.exited.then(({ exitCode }) => {
        reservation.release()
        if (!shelf.waiting.delete(waiting)) return
        fail(new Error(`the program exited with code ${exitCode} before it was given a call`))
        void instance.dispose()
      })
      if (this.#shelves.get(functionKey(shelf.fn)) === shelf) shelf.waiting.add(waiting)
      else await instance.dispose()
    } catch (error) {
      reservation.release()
      fail(toCaresError(error))
    }
  }
}

/** All that wait, which nobody else gets any more; that they end then is no failure. */
function taken({ waiting }: Shelf): readonly Waiting[] {
  const all = [...waiting]
  waiting.clear()
  return all
}
