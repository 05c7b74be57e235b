import type { RegistryTables } from '../../model/ports/store.ts'
import { differences, emptyShards, type Shards, valueAt } from '../../model/shards.ts'
import type { TaskRecord } from '../../model/task.ts'

/** Two FNV-1a hashes of 32 bits with different starts. 64 bits: among the rows that there can be, a collision by chance is as good as impossible. */
type Hash = readonly [number, number]

const STARTS: Hash = [0x811c9dc5, 0x01000193]
const FNV_PRIME = 0x01000193
const NOTHING: Hash = [0, 0]

/**
 * Makes the function that hashes tables: 16 hexadecimal digits, equal for equal tables however they came about, whatever the order of their rows
 * and fields. It remembers what it has hashed: a second look costs a sum over the rows of small tables that did change (1 ms for 10,000), and nothing
 * for those that did not. Of the tasks, which may be many, it remembers only what they sum up to, and where they were then: what has changed since is
 * taken from that and added to it.
 */
export function createStateHash(): (tables: RegistryTables) => string {
  const rows = new WeakMap<object, Hash>()
  const tables = new WeakMap<object, Hash>()

  const hashRow = (table: string, key: string, value: unknown): Hash => {
    if (typeof value !== 'object' || value === null) return hashText(`${table}\0${key}\0${canonical(value)}`)
    const known = rows.get(value)
    if (known !== undefined) return known
    const hash = hashText(`${table}\0${key}\0${canonical(value)}`)
    rows.set(value, hash)
    return hash
  }
  const hashTable = (name: string, table: ReadonlyMap<string, unknown> | ReadonlySet<string>): Hash => {
    const known = tables.get(table)
    if (known !== undefined) return known
    let sum = NOTHING
    for (const [key, value] of table.entries()) sum = add(sum, hashRow(name, key, value))
    tables.set(table, sum)
    return sum
  }
  let known: { readonly tasks: Shards<TaskRecord>; readonly sum: Hash } = { tasks: emptyShards(), sum: NOTHING }
  const hashTasks = (tasks: Shards<TaskRecord>): Hash => {
    let { sum } = known
    for (const [id, task] of differences(known.tasks, tasks)) {
      const before = valueAt(known.tasks, id)
      if (before !== undefined) sum = subtract(sum, hashText(taskText(before)))
      if (task !== undefined) sum = add(sum, hashText(taskText(task)))
    }
    known = { tasks, sum }
    return sum
  }
  return ({ functions, removed, draining, strategy, tasks, remembered, commandVersion }) =>
    [
      hashTable('functions', functions),
      hashTable('removed', removed),
      hashTable('draining', draining),
      hashTable('remembered', remembered),
      hashTasks(tasks.tasks),
      // Nothing agreed adds nothing: peers of before hash the same.
      strategy === undefined ? NOTHING : hashRow('strategy', '', strategy),
      commandVersion === undefined ? NOTHING : hashRow('version', '', commandVersion),
      hashText(`seq\0${tasks.seq}`)
    ]
      .reduce(add)
      .map(lane => lane.toString(16).padStart(8, '0'))
      .join('')
}

/** The sum does not depend on the order, which differs between a peer that applied the log and one that took a snapshot. */
function add(a: Hash, b: Hash): Hash {
  return [(a[0] + b[0]) >>> 0, (a[1] + b[1]) >>> 0]
}

function subtract(a: Hash, b: Hash): Hash {
  return [(a[0] - b[0]) >>> 0, (a[1] - b[1]) >>> 0]
}

function hashText(text: string): Hash {
  let [a, b] = STARTS
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, FNV_PRIME)
    b = Math.imul(b ^ unit, FNV_PRIME) + 1
  }
  return [a >>> 0, b >>> 0]
}

/**
 * The fields of a task that change, and its fingerprint for those that do not. Tasks change hundreds of times a second: hashing the whole of each would
 * cost more than everything else that is done for it.
 */
function taskText({ id, key, fingerprint, state, attempt, failures, attempts, seq, endSeq, result }: TaskRecord): string {
  // Only services have a health: of jobs the text is what it was before there were any.
  const { health = '' } = attempts.at(-1) ?? {}
  return `task\0${id} ${fingerprint} ${state} ${attempt} ${failures} ${seq} ${endSeq ?? 0} ${result?.output.bytes ?? 0}${health}\0${key ?? ''}`
}

/** JSON with sorted fields; absent and undefined are the same. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join()}}`
}
