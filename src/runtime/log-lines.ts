import type { Readable } from 'node:stream'
import { LineSplitter } from '../model/line-splitter.ts'

/** How much of the end of stderr an error carries: a stack trace or a usage message, and still a small problem document. */
export const TAIL_BYTES_MAX = 4 * 1024

/** Calls `onLine` for each line of a program's output. It keeps reading, so a program never blocks on its log. */
export function readLines(output: Readable, onLine: (text: string) => void): void {
  const lines = new LineSplitter(onLine)
  output.on('data', (chunk: Buffer) => lines.write(chunk))
  output.once('close', () => lines.end())
}

/** Keeps the last {@link TAIL_BYTES_MAX} bytes of what is written to it. */
export class Tail {
  #kept = Buffer.alloc(0)

  write(chunk: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(-TAIL_BYTES_MAX)]).subarray(-TAIL_BYTES_MAX)
  }

  /** As text; a character that was cut at the beginning is left out. */
  text(): string {
    const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
    let start = 0
    while (start < 3 && isContinuation(this.#kept[start])) start++
    return this.#kept.subarray(start).toString('utf8')
  }
}
