import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'

/** Longest log line kept, as `LogLine` promises: enough for a stack trace in one line, small enough to gossip about. */
export const LINE_BYTES_MAX = 8 * 1024

/** How much of the end of stderr an error carries: a stack trace or a usage message, and still a small problem document. */
export const TAIL_BYTES_MAX = 4 * 1024

/** Calls `onLine` for each line of a program's output. It keeps reading, so a program never blocks on its log. */
export function readLines(output: Readable, onLine: (text: string) => void): void {
  const lines = new LineSplitter(onLine)
  output.on('data', (chunk: Buffer) => lines.write(chunk))
  output.once('close', () => lines.end())
}

/** Cuts bytes into lines of at most {@link LINE_BYTES_MAX}; what is longer is dropped up to the line's end. */
export class LineSplitter {
  readonly #onLine: (text: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #line = ''

  constructor(onLine: (text: string) => void) {
    this.#onLine = onLine
  }

  write(chunk: Buffer): void {
    const parts = this.#decoder.write(chunk).split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      this.#append(part)
      this.#flush()
    }
    this.#append(last)
  }

  end(): void {
    this.#append(this.#decoder.end())
    if (this.#line !== '') this.#flush()
  }

  #append(text: string): void {
    // A character is at most 3 bytes per UTF-16 unit, so this bounds what is held before the exact cut in #flush.
    if (this.#line.length < LINE_BYTES_MAX) this.#line += text.slice(0, LINE_BYTES_MAX - this.#line.length)
  }

  #flush(): void {
    this.#onLine(cutBytes(this.#line.replace(/\r$/, ''), LINE_BYTES_MAX))
    this.#line = ''
  }
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

function cutBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= bytesMax) return text
  let end = bytesMax
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString('utf8')
}
