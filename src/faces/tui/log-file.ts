import { appendFileSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeDirectory } from '../make-directory.ts'

/** A log that is longer begins anew; the one before it is kept beside it. */
const BYTES_MAX = 10 * 2 ** 20

/**
 * A log in a file that does not grow without end: at most `bytesMax`, and as much of the one before it under `PATH.1`. Only its owner may
 * read it. Written line by line and at once, so that the last line before a crash is there.
 */
export class LogFile {
  readonly #path: string
  readonly #bytesMax: number
  #bytes: number | undefined

  constructor(path: string, bytesMax: number = BYTES_MAX) {
    this.#path = path
    this.#bytesMax = bytesMax
  }

  write(line: string): void {
    if (this.#bytes === undefined) {
      makeDirectory(dirname(this.#path))
      this.#bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    }
    if (this.#bytes >= this.#bytesMax) {
      renameSync(this.#path, `${this.#path}.1`)
      this.#bytes = 0
    }
    appendFileSync(this.#path, line, { mode: 0o600 })
    this.#bytes += Buffer.byteLength(line)
  }
}
