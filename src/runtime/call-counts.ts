import { type FunctionRecord, functionKey } from '../model/function.ts'

/** How many calls of each function run. */
export class CallCounts {
  readonly #byFunction = new Map<string, { count: number; contract: FunctionRecord['contract'] }>()

  /** Counts one more, until what it returns is called. */
  add(fn: FunctionRecord): () => void {
    const key = functionKey(fn)
    const calls = this.#byFunction.get(key) ?? { count: 0, contract: fn.contract }
    this.#byFunction.set(key, calls)
    calls.count++
    return () => {
      calls.count--
      if (calls.count === 0) this.#byFunction.delete(key)
    }
  }

  get total(): number {
    let total = 0
    for (const { count } of this.#byFunction.values()) total += count
    return total
  }

  /** By function key. */
  get byFunction(): ReadonlyMap<string, { readonly count: number; readonly contract: FunctionRecord['contract'] }> {
    return this.#byFunction
  }
}
