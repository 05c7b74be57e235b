/** Longest log line kept, as `LogLine` promises: enough for a stack trace in one line, small enough for a message between peers. */
export const LINE_BYTES_MAX = 8 * 1024

/** Cuts what a program writes into lines of at most {@link LINE_BYTES_MAX}; what is longer is dropped up to the line's end. */
export class LineSplitter {
  readonly #onLine: (text: string) => void
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #line = ''

  constructor(onLine: (text: string) => void) {
    this.#onLine = onLine
  }

  write(chunk: Uint8Array): void {
    const parts = this.#decoder.decode(chunk, { stream: true }).split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      this.#append(part)
      this.#flush()
    }
    this.#append(last)
  }

  end(): void {
    this.#append(this.#decoder.decode())
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

function cutBytes(text: string, bytesMax: number): string {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= bytesMax) return text
  let end = bytesMax
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, end))
}
