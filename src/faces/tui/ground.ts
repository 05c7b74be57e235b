import type { Clock } from '../../model/ports/clock.ts'

/** What a terminal writes on. */
export type Ground = 'dark' | 'light'

/**
 * Which colour is behind the text (OSC 11, https://invisible-island.net/xterm/ctlseqs/ctlseqs.html), and then what kind of terminal it is (DA1): a
 * terminal answers in order and every one answers the second, so that nobody waits for an answer to the first that does not come.
 */
const QUESTION = '\u001B]11;?\u001B\\\u001B[c'

/** A terminal answers within milliseconds, one behind a slow line within a round trip. After that keys would be taken for its answer. */
const ANSWER_WITHIN_MS = 1_000

/** From black to white, what counts as light. */
const LIGHT_FROM = 0.5

/* oxlint-disable no-control-regex -- answers of a terminal are control sequences */
const COLOUR = /\u001B\]11;rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})[^\u0007\u001B]*(?:\u0007|\u001B\\)/i
const KIND = /\u001B\[\?[\d;]*c/
/* oxlint-enable no-control-regex */

/** What a terminal has answered up to now. */
export interface Answer {
  /** Nothing more will come. */
  readonly isWhole: boolean
  /** Undefined: it has not said. */
  readonly ground: Ground | undefined
  /** What was typed meanwhile. */
  readonly rest: string
}

/** The answer in what came from a terminal. */
export function answerIn(text: string): Answer {
  const [whole, red = '', green = '', blue = ''] = COLOUR.exec(text) ?? []
  const rest = text.replace(COLOUR, '').replace(KIND, '')
  if (whole === undefined) return { isWhole: KIND.test(text), ground: undefined, rest }
  // As bright as it looks: https://www.itu.int/rec/R-REC-BT.601
  const brightness = 0.299 * part(red) + 0.587 * part(green) + 0.114 * part(blue)
  return { isWhole: KIND.test(text), ground: brightness >= LIGHT_FROM ? 'light' : 'dark', rest }
}

/** One to four hexadecimal digits, as a part of the most that these can say. */
function part(digits: string): number {
  return Number.parseInt(digits, 16) / (16 ** digits.length - 1)
}

/** The terminal's streams, as far as they are used here. */
export interface AskedTerminal {
  readonly stdin: Pick<NodeJS.ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'read' | 'unshift'>
  readonly stdout: Pick<NodeJS.WriteStream, 'write'>
  readonly clock: Clock
}

/** Asks the terminal what it writes on; dark when it does not say. What is typed meanwhile is read again by who reads next. */
export async function askGround({ stdin, stdout, clock }: AskedTerminal): Promise<Ground> {
  if (!stdin.isTTY) return 'dark'
  const answered = Promise.withResolvers<void>()
  let text = ''
  const onReadable = (): void => {
    for (let data = stdin.read() as Buffer | string | null; data !== null; data = stdin.read() as Buffer | string | null)
      text += data.toString()
    if (answerIn(text).isWhole) answered.resolve()
  }
  const late = clock.timeout(ANSWER_WITHIN_MS)
  const onLate = (): void => answered.resolve()
  late.addEventListener('abort', onLate)
  stdin.setRawMode(true)
  // Not by `data`, which would leave the stream paused: a terminal's stream that waits for input then never goes on for who reads it next.
  stdin.on('readable', onReadable)
  try {
    stdout.write(QUESTION)
    await answered.promise
  } finally {
    late.removeEventListener('abort', onLate)
    stdin.off('readable', onReadable)
    stdin.setRawMode(false)
  }
  const { ground = 'dark', rest } = answerIn(text)
  if (rest !== '') stdin.unshift(Buffer.from(rest))
  return ground
}
