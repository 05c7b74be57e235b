import { crc32 } from 'node:zlib'
import { CaresError } from '../model/errors.ts'
import { registrySnapshotSchema } from '../model/persisted.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import { parseWith } from '../model/validation.ts'

/**
 * Largest snapshot, in bytes. It travels as one message and is held in memory on both sides, so it must stay small against the memory of a
 * small peer. Not above what a consensus message may carry (`wire/limits.ts`), and twice what the registry lets all texts together have.
 */
export const SNAPSHOT_BYTES_MAX = 32 * 2 ** 20

const FORMAT = 'cares-snapshot'
const VERSION = 1
/** `cares-snapshot 1 0123abcd`, with room for larger versions. */
const FIRST_LINE_BYTES_MAX = 64

/**
 * The tables as of log index `index`, as bytes that {@link decodeSnapshot} takes on any peer: a line `cares-snapshot VERSION CRC32`, then
 * JSON, in which each table is sorted by its key. Throws `limit_reached` over {@link SNAPSHOT_BYTES_MAX}.
 */
export function encodeSnapshot(index: number, { functions, removed, draining }: RegistryTables): Uint8Array {
  const body = Buffer.from(
    JSON.stringify({
      index,
      functions: [...functions.values()].sort((a, b) => compare(a.name, b.name)),
      removed: [...removed].sort(([a], [b]) => compare(a, b)),
      draining: [...draining].sort(compare)
    })
  )
  const data = Buffer.concat([Buffer.from(`${FORMAT} ${VERSION} ${hex(crc32(body))}\n`), body])
  if (data.length > SNAPSHOT_BYTES_MAX) {
    throw new CaresError('limit_reached', `the registry takes ${data.length} bytes, a snapshot may have ${SNAPSHOT_BYTES_MAX}`, {
      hint: 'remove functions that nobody calls'
    })
  }
  return data
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
  const { index, functions, removed, draining } = parseBody(body)
  const tables = {
    functions: new Map(functions.map(record => [record.name, record])),
    removed: new Map(removed),
    draining: new Set(draining)
  }
  if (tables.functions.size !== functions.length) throw unreadable('a function is in it twice')
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
