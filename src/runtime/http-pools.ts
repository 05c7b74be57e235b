import { BURST_MS, isWorthKeeping, isWorthStarting } from '../core/pools/demand.ts'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { WarmPool } from '../model/peer.ts'
import type { DemandBook } from './demand-book.ts'
import type { ServerInstance } from './driver.ts'
import { HttpPool, type HttpPoolComponents } from './http-pool.ts'
import type { Idle } from './resources.ts'

export interface HttpPoolsInit {
  /** How long a server may take until it is ready. */
  readonly readyTimeoutMs: number
  /** How long a warm container waits for its next call. Absent: as its calls so far suggest. */
  readonly keepAliveMs: number | undefined
}

export interface HttpPoolsComponents extends Omit<HttpPoolComponents, 'worth' | 'onInstance'> {
  readonly demands: DemandBook
  /** Whether there is room for a container that nobody else uses. */
  readonly fits: (fn: FunctionRecord) => boolean
  /** A container was started: its log is to be read. */
  readonly onInstance: (instance: ServerInstance, fn: FunctionRecord) => void
}

/** The warm containers of all functions, a pool for each revision that is called. */
export class HttpPools {
  readonly #init: HttpPoolsInit
  readonly #components: HttpPoolsComponents
  readonly #pools = new Map<string, HttpPool>()
  #functions: readonly FunctionRecord[] = []

  constructor(init: HttpPoolsInit, components: HttpPoolsComponents) {
    this.#init = init
    this.#components = components
  }

  /** Retires the pools of all other functions. */
  setFunctions(functions: readonly FunctionRecord[]): void {
    this.#functions = functions
    const keys = new Set(functions.map(functionKey))
    for (const [key, pool] of this.#pools) if (!keys.has(key)) pool.retire()
  }

  of(fn: FunctionRecord): HttpPool {
    const known = this.#pools.get(functionKey(fn))
    if (known !== undefined) return known
    const { demands, onInstance } = this.#components
    const pool = new HttpPool(fn, this.#init, {
      ...this.#components,
      worth: () => demands.worth(fn),
      onInstance: instance => onInstance(instance, fn)
    })
    this.#pools.set(pool.key, pool)
    return pool
  }

  /** Containers that may be given up for others. */
  idle(): readonly Idle[] {
    return [...this.#pools.values()].flatMap(pool => pool.idle())
  }

  warm(): readonly WarmPool[] {
    return [...this.#pools.values()].map(pool => pool.warm())
  }

  /** Removes containers that have been idle for long enough, and starts those that are expected to be called. */
  tidyUp(nowMs: number): void {
    const { keepAliveMs } = this.#init
    const { demands } = this.#components
    for (const [key, pool] of this.#pools) {
      if (keepAliveMs === undefined) pool.trim({ othersMs: BURST_MS, keepsLast: isWorthKeeping(demands.of(pool.fn), nowMs) })
      else pool.trimAll(keepAliveMs)
      if (pool.isEmpty()) this.#pools.delete(key)
    }
    if (keepAliveMs === undefined) this.#startAhead(nowMs)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(async pool => pool.close()))
  }

  /** Servers that are expected to be called, where there is room that nobody else uses. */
  #startAhead(nowMs: number): void {
    const { demands, fits } = this.#components
    for (const fn of this.#functions) {
      if (fn.contract !== 'http' || this.#pools.has(functionKey(fn))) continue
      if (isWorthStarting(demands.of(fn), nowMs) && fits(fn)) this.of(fn).startAhead()
    }
  }
}
