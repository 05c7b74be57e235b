import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { CaresError } from '../model/errors.ts'
import { COMMAND_VERSION } from '../core/registry/command-version.ts'
import { restoreTables } from '../core/tasks/restore-tables.ts'
import { Sharing } from '../core/tasks/sharing.ts'
import type { Remembered } from '../model/command.ts'
import type { FunctionRecord } from '../model/function.ts'
import { readFunctionRecord, registryHeadSchema, rememberedEntrySchema, removedEntrySchema } from '../model/persisted.ts'
import { readTaskRecord } from '../model/persisted-task.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import { valuesOf } from '../model/shards.ts'
import { snapshotStart, snapshotVersion } from '../model/snapshot-format.ts'
import type { TaskRecord } from '../model/task.ts'
import { parseWith } from '../model/validation.ts'

/**
 * Largest snapshot, as it travels and as text before that: more than the tables can hold (`core/tasks/limits.ts`, `core/registry/limits.ts`), so that
 * one can always be made. 192 MiB of it for tasks; the rest is for functions, removed names and remembered outcomes with the longest texts that they
 * may have, each character of which may take six bytes in JSON. The text is never in memory as a whole. Not above what peers may speak of
 * (`wire/limits.ts`).
 */
export const SNAPSHOT_BYTES_MAX = 640 * 2 ** 20

/** `cares-snapshot 1 0123abcd`, with room for larger versions. */
const FIRST_LINE_BYTES_MAX = 64

/** Text of one block: some hundred rows. Encoding or decoding one takes a few milliseconds, which is how long a peer is busy with it at a time. */
const BLOCK_TEXT_UNITS = 262_144
/** A row is at most a few commands long, and a block ends with the row that fills it. */
const BLOCK_TEXT_BYTES_MAX = 8 * 2 ** 20
/** The length of a block is a whole number of so many bytes, the highest first. */
const LENGTH_BYTES = 4
/** Equal parts of rows are near one another: the fastest level leaves a tenth of most tables. */
const COMPRESSION = { level: 1 }

/** A row as it is in a snapshot: its key, which is a task's number, and its JSON. */
export type SnapshotRow =
  | { readonly table: 'functions'; readonly key: string; readonly text: string }
  | { readonly table: 'tasks'; readonly seq: number; readonly text: string }

/** What a snapshot holds: the tables as of a log index. */
export interface SnapshotContent {
  readonly index: number
  readonly tables: RegistryTables
}

/**
 * The tables as of log index `index`, as bytes that {@link decodeSnapshot} takes on any peer; equal tables give equal bytes. Yields after each block, so
 * that its caller can do other things in between: the tables do not change meanwhile. Throws `limit_reached` over `bytesMax`.
 *
 * A line `cares-snapshot VERSION CRC32`, then blocks: a length, and so many bytes of deflated text. The text has a line of JSON with what is small, then
 * one for each removed name, remembered outcome, function and task; outcomes and tasks in the order in which they came, the others sorted by name.
 */
export function* encodeSnapshot(
  index: number,
  tables: RegistryTables,
  bytesMax: number = SNAPSHOT_BYTES_MAX
): Generator<undefined, Uint8Array, void> {
  const blocks: Uint8Array[] = []
  let [sum, bytes, textBytes] = [0, 0, 0]
  let text = ''
  const close = (): void => {
    const raw = Buffer.from(text)
    const data = deflateRawSync(raw, COMPRESSION)
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(data.length)
    for (const part of [length, data]) {
      blocks.push(part)
      sum = crc32(part, sum)
      bytes += part.length
    }
    textBytes += raw.length
    text = ''
    if (Math.max(bytes + FIRST_LINE_BYTES_MAX, textBytes) > bytesMax) {
      throw new CaresError('limit_reached', `the agreed state takes more than the ${bytesMax} bytes that a snapshot may have`, {
        hint: 'remove functions that nobody calls, and cancel tasks that nobody waits for; report this as a defect of CARES'
      })
    }
  }
  for (const line of linesOf(index, tables)) {
    text += `${line}\n`
    if (text.length < BLOCK_TEXT_UNITS) continue
    close()
    yield
  }
  if (text !== '') close()
  return Buffer.concat([Buffer.from(snapshotStart(tables.commandVersion ?? 1, hex(sum))), ...blocks])
}

function* linesOf(index: number, { functions, removed, draining, strategy, tasks, remembered }: RegistryTables): Generator<string, void> {
  yield JSON.stringify({
    index,
    removed: removed.size,
    remembered: remembered.size,
    functions: functions.size,
    tasks: tasks.tasks.size,
    draining: [...draining].sort(compare),
    strategy,
    taskSeq: tasks.seq
  })
  for (const entry of [...removed].sort(([a], [b]) => compare(a, b))) yield JSON.stringify(entry)
  for (const entry of remembered) yield JSON.stringify(entry)
  for (const record of [...functions.values()].sort((a, b) => compare(a.name, b.name))) yield JSON.stringify(record)
  for (const task of [...valuesOf(tasks.tasks)].sort((a, b) => a.seq - b.seq)) yield JSON.stringify(task)
}

/** What comes of an encoding or decoding without a pause: for small tables. */
export function inOneGo<Result>(steps: Generator<unknown, Result, void>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The CRC-32 of a snapshot's bytes, by which its receiver knows that it has all of them. */
export function snapshotChecksum(data: Uint8Array): number {
  return crc32(data)
}

/**
 * What {@link encodeSnapshot} has encoded. Yields the rows of each block, as soon as they are known to be right, and returns it all. Throws `protocol` for
 * anything else: a flipped bit, a part of it; `incompatible` for a newer version.
 */
export function* decodeSnapshot(data: Uint8Array): Generator<readonly SnapshotRow[], SnapshotContent, void> {
  const version = readVersion(data)
  const lines = readLines(data)
  let head: ReturnType<typeof registryHeadSchema.parse> | undefined
  const removed = new Map<string, number>()
  const remembered = new Map<string, Remembered>()
  const functions = new Map<string, FunctionRecord>()
  const tasks = new Map<string, TaskRecord>()
  const numbers = new Set<number>()
  const sharing = new Sharing()
  for (const block of lines) {
    const rows: SnapshotRow[] = []
    for (const text of block) {
      if (head === undefined) {
        head = understood(() => parseWith(registryHeadSchema, JSON.parse(text), 'its head'))
      } else if (removed.size < head.removed) {
        removed.set(...understood(() => parseWith(removedEntrySchema, JSON.parse(text), `removed[${removed.size}]`)))
      } else if (remembered.size < head.remembered) {
        remembered.set(...understood(() => parseWith(rememberedEntrySchema, JSON.parse(text), `remembered[${remembered.size}]`)))
      } else if (functions.size < head.functions) {
        const record = understood(() => readFunctionRecord(JSON.parse(text), `functions[${functions.size}]`))
        if (functions.has(record.name)) throw unreadable('a function is in it twice')
        functions.set(record.name, record)
        rows.push({ table: 'functions', key: record.name, text })
      } else {
        const task = understood(() => readTaskRecord(JSON.parse(text), `tasks[${tasks.size}]`))
        if (tasks.has(task.id) || numbers.has(task.seq)) throw unreadable('a task is in it twice')
        tasks.set(task.id, sharing.task(task))
        numbers.add(task.seq)
        rows.push({ table: 'tasks', seq: task.seq, text })
      }
    }
    yield rows
  }
  if (head?.functions !== functions.size || head.tasks !== tasks.size) throw unreadable('it has more or fewer rows than it says')
  const { index, draining, strategy, taskSeq } = head
  return {
    index,
    tables: {
      functions,
      removed,
      draining: new Set(draining),
      ...(strategy === undefined ? {} : { strategy }),
      tasks: restoreTables([...tasks.values()], taskSeq),
      remembered,
      ...(version === 1 ? {} : { commandVersion: version })
    }
  }
}

/** Of the commands that made its tables. */
function readVersion(data: Uint8Array): number {
  if (data.length > SNAPSHOT_BYTES_MAX) throw unreadable(`it has ${data.length} bytes, at most ${SNAPSHOT_BYTES_MAX} are read`)
  const version = snapshotVersion(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  if (version === undefined || version < 1) throw unreadable('it does not start like one')
  if (version > COMMAND_VERSION) {
    throw new CaresError('incompatible', `the snapshot has version ${version}, this peer reads up to ${COMMAND_VERSION}`, {
      hint: 'upgrade this peer to the newest version that a peer of its cluster runs'
    })
  }
  return version
}

/** The lines of its text, those of one block at a time. */
function* readLines(data: Uint8Array): Generator<readonly string[], void> {
  const all = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const end = all.subarray(0, FIRST_LINE_BYTES_MAX).indexOf(0x0a)
  if (end < 0) throw unreadable('it does not start like one')
  const sum = all.subarray(0, end).toString('latin1').split(' ')[2]
  if (sum !== hex(crc32(all.subarray(end + 1)))) throw unreadable('its checksum does not match')
  let textBytes = 0
  for (let at = end + 1; at < all.length; ) {
    const from = at + LENGTH_BYTES
    if (from > all.length) throw unreadable('a block has no length')
    at = from + all.readUInt32BE(from - LENGTH_BYTES)
    if (at > all.length) throw unreadable('a block is cut off')
    const text = understood(() => inflateRawSync(all.subarray(from, at), { maxOutputLength: BLOCK_TEXT_BYTES_MAX }))
    textBytes += text.length
    if (textBytes > SNAPSHOT_BYTES_MAX) throw unreadable(`its text has more than ${SNAPSHOT_BYTES_MAX} bytes`)
    if (text.at(-1) !== 0x0a) throw unreadable('a block does not end with a line')
    yield text.toString('utf8', 0, text.length - 1).split('\n')
  }
}

function understood<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error), error)
  }
}

function unreadable(why: string, cause?: unknown): CaresError {
  return new CaresError('protocol', `the snapshot cannot be read: ${why}`, {
    hint: 'check that all peers run the same version',
    cause
  })
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0')
}

/** By code units: the same order on every machine, whatever its locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
