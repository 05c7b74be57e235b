import { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Terminal } from './command.ts'

/**
 * A terminal whose output goes to a function, for a face that shows what a command writes. Nobody can be asked there, and nothing is piped
 * in. What goes to stderr begins on a line of its own.
 *
 * @param options - `columns`: as wide as tables may be; absent: as wide as they are
 */
export function capturedTerminal(write: (text: string) => void, { columns }: { columns?: number | undefined } = {}): Terminal {
  let isMidLine = false
  const screen = (separate: boolean): Writable => {
    // A character may come in two pieces.
    const decoder = new StringDecoder()
    return new Writable({
      write(chunk: Buffer, _, done) {
        const text = decoder.write(chunk)
        if (text !== '') write(separate && isMidLine ? `\n${text}` : text)
        isMidLine = text === '' ? isMidLine : !text.endsWith('\n')
        done()
      }
    })
  }
  return {
    stdin: Object.assign(Readable.from([]), { isTTY: false, piped: false }),
    stdout: Object.assign(screen(false), columns === undefined ? { isTTY: false } : { isTTY: true, columns }),
    stderr: Object.assign(screen(true), { isTTY: false })
  }
}
