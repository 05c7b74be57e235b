import { closeSync, openSync, readSync } from 'node:fs'
import { damaged } from './disk-error.ts'

/** Sizes and magic numbers of the file format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const MAGIC = 0x377f0682
/** Of a log whose checksums read their words with the high byte first. */
const MAGIC_BIG_ENDIAN = 0x377f0683

/** What a header tells that is needed to read on. */
interface Header {
  readonly pageBytes: number
  readonly salts: bigint
  readonly isBigEndian: boolean
  readonly sums: Sums
}

type Sums = readonly [number, number]

/**
 * Throws `disk_failed` when a write-ahead log has changed since it was brought to safety. SQLite itself takes the first frame whose checksum
 * does not match for the end of the log, as it must after a loss of power, and so forgets in silence what was promised after a flipped bit.
 *
 * What tells the two apart: every commit is an fsync, so a transaction that another one follows was whole on the disk. Nothing is said about the
 * last transaction, nor of a damaged header, which a loss of power may leave as well. A MiB takes some 10 ms; SQLite empties a log of 4.
 */
export function checkWriteAheadLog(path: string): void {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return // The database was closed in order.
    throw error
  }
  try {
    const header = readHeader(file)
    if (header === undefined) return
    const frame = damagedFrame(file, header)
    if (frame !== undefined) throw damaged(path, `frame ${frame} is not what was written, and later ones follow it`)
  } finally {
    closeSync(file)
  }
}

function readHeader(file: number): Header | undefined {
  const bytes = Buffer.alloc(HEADER_BYTES)
  if (readSync(file, bytes, 0, HEADER_BYTES, 0) < HEADER_BYTES) return undefined
  const magic = bytes.readUInt32BE(0)
  if (magic !== MAGIC && magic !== MAGIC_BIG_ENDIAN) return undefined
  const isBigEndian = magic === MAGIC_BIG_ENDIAN
  const sums = add([0, 0], bytes.subarray(0, 24), isBigEndian)
  if (sums[0] !== bytes.readUInt32BE(24) || sums[1] !== bytes.readUInt32BE(28)) return undefined
  return { pageBytes: bytes.readUInt32BE(8), salts: bytes.readBigUInt64BE(16), isBigEndian, sums }
}

/** The first frame that is wrong though its transaction had been synced, counted from 1. */
function damagedFrame(file: number, { pageBytes, salts, isBigEndian, sums: first }: Header): number | undefined {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + pageBytes)
  let sums: Sums | undefined = first
  let wrong: number | undefined
  let isCommitted = false
  for (let number = 1; ; number += 1) {
    const at = HEADER_BYTES + (number - 1) * frame.length
    if (readSync(file, frame, 0, frame.length, at) < frame.length) return undefined
    // Frames of an earlier use of the file have other salts.
    const isOfThisLog = frame.readBigUInt64BE(8) === salts
    if (sums !== undefined) {
      sums = add(add(sums, frame.subarray(0, 8), isBigEndian), frame.subarray(FRAME_HEADER_BYTES), isBigEndian)
      if (isOfThisLog && sums[0] === frame.readUInt32BE(16) && sums[1] === frame.readUInt32BE(20)) continue
      wrong = number
      sums = undefined
    }
    if (!isOfThisLog) continue
    if (isCommitted) return wrong
    isCommitted = frame.readUInt32BE(4) !== 0
  }
}

/** SQLite's running checksum of pairs of words. */
function add([first, second]: Sums, bytes: Buffer, isBigEndian: boolean): Sums {
  const read = isBigEndian ? (at: number): number => bytes.readUInt32BE(at) : (at: number): number => bytes.readUInt32LE(at)
  for (let at = 0; at < bytes.length; at += 8) {
    first = (first + read(at) + second) >>> 0
    second = (second + read(at + 4) + first) >>> 0
  }
  return [first, second]
}
