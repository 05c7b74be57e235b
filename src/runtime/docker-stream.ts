import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { CaresError } from '../model/errors.ts'

/** Each piece of output has a head: stream number, three zero bytes, length in big endian (Docker Engine API, "Attach to a container"). */
const HEAD_BYTES = 8
const STDERR = 2

/**
 * Splits an attach stream into stdout and stderr. It reads on only while stdout is read, so a program that writes faster than its reader reads is
 * made to wait by the engine, and nothing piles up here. Its end ends both; its failure, or an end within a piece, fails stdout.
 */
export function demultiplex(attached: Readable): { stdout: PassThrough; stderr: PassThrough } {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  // A cut-short call destroys stdout with its reason, which is the reader's to see; this only keeps it from being an uncaught one.
  stdout.on('error', () => {})
  void pump(attached, stdout, stderr).then(
    () => {
      stdout.end()
      stderr.end()
    },
    (cause: unknown) => {
      stdout.destroy(new CaresError('runtime_unavailable', 'the engine broke off the output', { retryable: true, cause }))
      stderr.end()
    }
  )
  return { stdout, stderr }
}

async function pump(attached: Readable, stdout: PassThrough, stderr: PassThrough): Promise<void> {
  const head = Buffer.alloc(HEAD_BYTES)
  let headBytes = 0
  let left = 0
  let target = stdout
  for await (const chunk of attached as AsyncIterable<Buffer>) {
    let at = 0
    while (at < chunk.length) {
      if (left === 0) {
        const copied = chunk.copy(head, headBytes, at)
        headBytes += copied
        at += copied
        if (headBytes < HEAD_BYTES) break
        headBytes = 0
        left = head.readUInt32BE(4)
        target = head[0] === STDERR ? stderr : stdout
      } else {
        const piece = chunk.subarray(at, at + left)
        at += piece.length
        left -= piece.length
        await write(target, piece)
      }
    }
  }
  if (left > 0 || headBytes > 0) throw new Error('the stream ended within a piece of output')
}

/** What nobody reads any more is dropped, so that the engine can finish. */
async function write(target: PassThrough, piece: Buffer): Promise<void> {
  if (target.destroyed || target.write(piece)) return
  const settled = new AbortController()
  const { signal } = settled
  try {
    await Promise.race([once(target, 'drain', { signal }), once(target, 'close', { signal })])
  } catch (error) {
    if (!target.destroyed) throw error
  } finally {
    settled.abort()
  }
}
