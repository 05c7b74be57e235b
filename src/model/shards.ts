/**
 * A map from text to values that is never changed in place: a change gives a new map that shares all but the touched parts with the old one.
 *
 * The keys are spread over buckets. Changing k of n keys copies k buckets instead of n entries, and what differs between two maps is found by
 * looking at the buckets that are not the same object.
 */
export interface Shards<Value> {
  readonly size: number
  /** As many as {@link BUCKETS}; each key is in the one that {@link bucketOf} names. */
  readonly buckets: readonly ReadonlyMap<string, Value>[]
}

/** 100,000 keys make buckets of about 100: copying one takes some microseconds. */
const BUCKETS = 1_024

/** A map without keys. */
export function emptyShards<Value>(): Shards<Value> {
  const empty: ReadonlyMap<string, Value> = new Map()
  return { size: 0, buckets: Array.from({ length: BUCKETS }, () => empty) }
}

/** A map of these entries; of two with one key, the later counts. */
export function shardsOf<Value>(entries: Iterable<readonly [string, Value]>): Shards<Value> {
  const draft = draftShards(emptyShards<Value>())
  for (const [key, value] of entries) draft.set(key, value)
  return draft.done()
}

/** The value of a key. */
export function valueAt<Value>(shards: Shards<Value>, key: string): Value | undefined {
  return shards.buckets[bucketOf(key)]?.get(key)
}

/** Every value, in no order that means anything. */
export function* valuesOf<Value>(shards: Shards<Value>): Generator<Value, void> {
  for (const bucket of shards.buckets) yield* bucket.values()
}

/** What must be put and removed to make `from` into `to`. Values that are the same object are equal. */
export function* differences<Value>(from: Shards<Value>, to: Shards<Value>): Generator<readonly [string, Value | undefined], void> {
  if (from === to) return
  for (const [at, before] of from.buckets.entries()) {
    const after = to.buckets[at]
    if (after === undefined || after === before) continue
    for (const key of before.keys()) if (!after.has(key)) yield [key, undefined]
    for (const [key, value] of after) if (before.get(key) !== value) yield [key, value]
  }
}

/** A map under change. The map that it started from stays as it is. */
export interface ShardsDraft<Value> {
  readonly size: number
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
  values(): Generator<Value, void>
  /** The changed map; the very one that it started from if nothing was changed. The draft must not be changed any more. */
  done(): Shards<Value>
}

/** Starts a change of `base`: each bucket is copied when it is first changed, and never again. */
export function draftShards<Value>(base: Shards<Value>): ShardsDraft<Value> {
  let { size } = base
  let buckets: ReadonlyMap<string, Value>[] | undefined
  const own = new Map<number, Map<string, Value>>()
  const read = (at: number): ReadonlyMap<string, Value> | undefined => own.get(at) ?? base.buckets[at]
  const write = (at: number): Map<string, Value> => {
    const known = own.get(at)
    if (known !== undefined) return known
    const copy = new Map(base.buckets[at])
    buckets ??= [...base.buckets]
    buckets[at] = copy
    own.set(at, copy)
    return copy
  }
  return {
    get size() {
      return size
    },
    get: key => read(bucketOf(key))?.get(key),
    set(key, value) {
      const at = bucketOf(key)
      if (read(at)?.has(key) !== true) size++
      write(at).set(key, value)
    },
    delete(key) {
      const at = bucketOf(key)
      if (read(at)?.has(key) !== true) return
      size--
      write(at).delete(key)
    },
    *values() {
      for (const bucket of buckets ?? base.buckets) yield* bucket.values()
    },
    done: () => (buckets === undefined ? base : { size, buckets })
  }
}

/** FNV-1a over the key's UTF-16 units (Fowler, Noll, Vo): spreads ids that differ in any character. The same on every peer, for ever. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % BUCKETS
}
