import { StringDecoder } from 'node:string_decoder'

/** Longest line kept, in UTF-16 units, as `LogLine` promises. */
const LINE_CHARS_MAX = 8_192

/** Cuts what a program writes into lines for its log. What is not text is shown as well as it can be; what is too long is cut. */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8')
  readonly #onLine: (text: string) => void
  #line = ''

  constructor(onLine: (text: string) => void) {
    this.#onLine = onLine
  }

  write(chunk: Uint8Array): void {
    const parts = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)).split('\n')
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
    if (this.#line.length < LINE_CHARS_MAX) this.#line += text.slice(0, LINE_CHARS_MAX - this.#line.length)
  }

  #flush(): void {
    this.#onLine(this.#line.replace(/\r$/, ''))
    this.#line = ''
  }
}
