import { list, refuse, text } from './check.ts'
import { ID_CHARS_MAX, PAIR_VALUE_CHARS_MAX, PAIRS_MAX } from './limits.ts'

/** Key and value, as environment variables and labels travel: a list, since a protobuf map would accept a key twice. */
interface Pair {
  readonly key: string
  readonly value: string
}

/** The pairs of a record. */
export function writePairs(record: Readonly<Record<string, string>>): Pair[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }))
}

/** The record of some pairs. Throws `protocol` for a key that is empty or comes twice. */
export function readPairs(pairs: readonly Pair[], name: string): Readonly<Record<string, string>> {
  return readUnique(
    list(pairs, name, PAIRS_MAX).map(({ key, value }) => [key, text(value, `${name}.${key.slice(0, ID_CHARS_MAX)}`, PAIR_VALUE_CHARS_MAX)]),
    name
  )
}

/** The record of some entries whose keys must differ. `__proto__` is refused: assigning it elsewhere would not make a property. */
export function readUnique<Value>(entries: readonly (readonly [string, Value])[], name: string): Readonly<Record<string, Value>> {
  const record: Record<string, Value> = {}
  for (const [key, value] of entries) {
    text(key, `a key of ${name}`, ID_CHARS_MAX, { empty: false })
    if (key === '__proto__' || Object.hasOwn(record, key)) refuse(`${name} has a key that is not allowed or comes twice`)
    record[key] = value
  }
  return record
}
