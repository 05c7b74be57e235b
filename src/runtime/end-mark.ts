import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream'
import type { Clock } from '../model/ports/clock.ts'

/** How often it is looked whether a program has ended. */
const LOOK_MS = 20
/** From the end of a program until its pipe is let go of, though nobody has said how it ended. It is mostly told within 10 ms. */
const UNTOLD_MS = 60

/**
 * Tells where a program's output ends, long before its stream does. What an ended program has written may still be on its way through the engine,
 * and the engine ends the stream only when it has torn the container down. So, once the program has certainly ended, a mark is written behind its
 * output, into the very pipe that was its stdout: what comes before the mark is all that there is.
 */
export class EndMark {
  readonly #bytes: Uint8Array
  #pipe: number | undefined
  #isWritten = false

  /** @param bytes random, as many as no program writes by chance (32), and few enough for a pipe to take them in one piece */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /**
   * Takes hold of the stdout of a container's first process. Does nothing where that is not to be had, or not what the engine reads: then the
   * stream's own end tells. To hold any other pipe would be a fault: who waits for its end would wait for ever.
   */
  open(pid: number, root = '/proc'): void {
    try {
      const stdout = readlinkSync(`${root}/${pid}/fd/1`)
      if (stdout === readlinkSync(`${root}/${pid}/fd/2`) || !isReadByParent(pid, stdout, root)) return
      // A pipe that is full makes the mark fail, and never this process wait.
      this.#pipe = openSync(`${root}/${pid}/fd/1`, constants.O_WRONLY | constants.O_NONBLOCK)
      if (readlinkSync(`/proc/self/fd/${this.#pipe}`) !== stdout) this.close()
    } catch {
      // Not on this machine, not for this user, or over already.
    }
  }

  /** Marks the end, and lets go of the pipe, which would never end otherwise. To be called when nothing of the program runs any more. */
  write(): void {
    if (this.#pipe === undefined) return
    this.#isWritten = true
    try {
      writeSync(this.#pipe, this.#bytes)
    } catch {
      // The pipe is full: the stream's own end tells.
    }
    this.close()
  }

  /** Lets go of the pipe. */
  close(): void {
    if (this.#pipe !== undefined) closeSync(this.#pipe)
    this.#pipe = undefined
  }

  /** The output up to the mark, or to its own end. */
  before(output: Readable): Readable {
    let held: Buffer = Buffer.alloc(0)
    let isOver = false
    const filter = new Transform({
      transform: (chunk: Buffer, _: BufferEncoding, done: TransformCallback) => {
        if (isOver) return done()
        if (!this.#isWritten && held.length === 0) return done(null, chunk)
        const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        const at = bytes.indexOf(this.#bytes)
        isOver = at !== -1
        const end = isOver ? at : bytes.length - this.#begun(bytes)
        held = isOver ? Buffer.alloc(0) : bytes.subarray(end)
        if (end > 0) filter.push(bytes.subarray(0, end))
        if (isOver) filter.push(null)
        done()
      },
      flush: done => done(null, held.length === 0 || isOver ? undefined : held)
    })
    // Whoever reads the output is told of its errors.
    pipeline(output, filter, () => {})
    filter.on('error', () => {})
    return filter
  }

  /** How many bytes at the end could be the beginning of the mark. */
  #begun(bytes: Buffer): number {
    for (let length = Math.min(bytes.length, this.#bytes.length - 1); length > 0; length--) {
      if (bytes.subarray(bytes.length - length).equals(this.#bytes.subarray(0, length))) return length
    }
    return 0
  }
}

/**
 * Closes a mark some time after its program has ended, unless it is disposed of before. Who tears a container down waits for the end of its output, for up to
 * two seconds in containerd, and may tell nobody meanwhile how it ended: then this process and the engine would wait for each other.
 *
 * @param isOver whether nothing of the program runs any more
 */
export function closeWhenOver(mark: Pick<EndMark, 'close'>, isOver: () => boolean, clock: Clock): Disposable {
  let overAtMs = Number.POSITIVE_INFINITY
  return clock.every(LOOK_MS, () => {
    overAtMs = isOver() ? Math.min(overAtMs, clock.nowMs()) : Number.POSITIVE_INFINITY
    if (clock.nowMs() - overAtMs >= UNTOLD_MS) mark.close()
  })
}

/** Whether a process is the first of its container, and its parent, which is what the engine has put beside every container, holds the same pipe. */
function isReadByParent(pid: number, pipe: string, root: string): boolean {
  const status = readFileSync(`${root}/${pid}/status`, 'utf8')
  const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1]
  if (!/^NSpid:.*\t1$/m.test(status) || parent === undefined) return false
  return readdirSync(`${root}/${parent}/fd`).some(fd => readlinkIfThere(`${root}/${parent}/fd/${fd}`) === pipe)
}

/** Files of a process come and go. */
function readlinkIfThere(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
