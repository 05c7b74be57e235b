import { crc32 } from 'node:zlib'
import { CaresError } from '../model/errors.ts'
import { restoreTables } from '../core/tasks/restore-tables.ts'
import { registrySnapshotSchema } from '../model/persisted.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import { valuesOf } from '../model/shards.ts'
import { parseWith } from '../model/validation.ts'

/**
 * Largest snapshot, in bytes. It travels in chunks, but is made and read in memory, so it must stay small against that of a small peer. Not
 * above what peers may speak of (`wire/limits.ts`), and many times what the registry lets all texts together have.
 */
export const SNAPSHOT_BYTES_MAX = 128 * 2 ** 20

const FORMAT = 'cares-snapshot'
const VERSION = 1
/** `cares-snapshot 1 0123abcd`, with room for larger versions. */
const FIRST_LINE_BYTES_MAX = 64

/**
 * The tables as of log index `index`, as bytes that {@link decodeSnapshot} takes on any peer: a line `cares-snapshot VERSION CRC32`, then
 * JSON, in which each table is sorted by its key. Throws `limit_reached` over `bytesMax`.
 */
export function encodeSnapshot(
  index: number,
  { functions, removed, draining, strategy, tasks, remembered }: RegistryTables,
  bytesMax: number = SNAPSHOT_BYTES_MAX
): Uint8Array {
  const body = Buffer.from(
    JSON.stringify({
      index,
      functions: [...functions.values()].sort((a, b) => compare(a.name, b.name)),
      removed: [...removed].sort(([a], [b]) => compare(a, b)),
      draining: [...draining].sort(compare),
      strategy,
      tasks: [...valuesOf(tasks.tasks)].sort((a, b) => compare(a.id, b.id)),
      taskSeq: tasks.seq,
      remembered: [...remembered]
    })
  )
  const data = Buffer.concat([Buffer.from(`${FORMAT} ${VERSION} ${hex(crc32(body))}\n`), body])
  if (data.length > bytesMax) {
    throw new CaresError('limit_reached', `the registry takes ${data.length} bytes, a snapshot may have ${bytesMax}`, {
      hint: 'remove functions that nobody calls'
    })
  }
  return data
}

/** The CRC-32 of a snapshot's bytes, by which its receiver knows that it has all of them. */
export function snapshotChecksum(data: Uint8Array): number {
  return crc32(data)
}

/** What {@link encodeSnapshot} has encoded. Throws `protocol` for anything else: another version, a flipped bit, a part of it. */
export function decodeSnapshot(data: Uint8Array): { index: number; tables: RegistryTables } {
  if (data.length > SNAPSHOT_BYTES_MAX) throw unreadable(`it has ${data.length} bytes, at most ${SNAPSHOT_BYTES_MAX} are read`)
  const end = data.subarray(0, FIRST_LINE_BYTES_MAX).indexOf(0x0a)
  const [format, version, sum] = Buffer.from(data.subarray(0, Math.max(end, 0)))
    .toString('latin1')
    .split(' ')
  if (format !== FORMAT) throw unreadable('it does not start like one')
  if (version !== String(VERSION)) throw unreadable(`it has version ${version?.slice(0, 16)}, this peer reads ${VERSION}`)
  const body = data.subarray(end + 1)
  if (sum !== hex(crc32(body))) throw unreadable('its checksum does not match')
  const { index, functions, removed, draining, strategy, tasks, taskSeq, remembered } = parseBody(body)
  const tables = {
    functions: new Map(functions.map(record => [record.name, record])),
    removed: new Map(removed),
    draining: new Set(draining),
    ...(strategy === undefined ? {} : { strategy }),
    tasks: restoreTables(tasks, taskSeq),
    remembered: new Map(remembered)
  }
  if (tables.functions.size !== functions.length) throw unreadable('a function is in it twice')
  if (tables.tasks.tasks.size !== tasks.length) throw unreadable('a task is in it twice')
  return { index, tables }
}

function parseBody(body: Uint8Array): ReturnType<typeof registrySnapshotSchema.parse> {
  try {
    return parseWith(registrySnapshotSchema, JSON.parse(Buffer.from(body).toString('utf8')), 'its content')
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
