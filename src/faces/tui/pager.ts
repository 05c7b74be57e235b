import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'
import { wrapped } from './lines.ts'
import type { Pager } from './state.ts'

/** Lines of one command that are kept, the newest. */
export const PAGER_LINES_MAX = 5_000

/** Longer lines are cut: no screen shows them, and a function may write without an end of line. */
const LINE_CHARACTERS_MAX = 2_000

/** A pager for the output of a command that begins now. */
export function openPager(title: string, { run, columns }: { run: number; columns: number }): Pager {
  return { name: 'pager', title, lines: [], rest: '', top: 0, follows: false, run, columns, exitCode: null }
}

/** The pager with more output. */
export function withOutput(pager: Pager, text: string): Pager {
  const lines = (pager.rest + text).split(/\r\n|\n/)
  const rest = (lines.pop() ?? '').slice(-LINE_CHARACTERS_MAX)
  return { ...pager, lines: [...pager.lines, ...lines.flatMap(line => shown(line, pager))].slice(-PAGER_LINES_MAX), rest }
}

/** The pager when its command has ended. */
export function ended(pager: Pager, exitCode: number): Pager {
  const lines = pager.rest === '' ? pager.lines : [...pager.lines, ...shown(pager.rest, pager)]
  return { ...pager, lines, rest: '', exitCode }
}

/** The pager after its text has moved by `delta` lines, in a window of `height`. */
export function scrolled(pager: Pager, delta: number, height: number): Pager {
  const last = Math.max(0, pager.lines.length - height)
  const from = pager.follows ? last : pager.top
  const top = Math.min(last, Math.max(0, from + delta))
  return { ...pager, top, follows: pager.exitCode === null && delta > 0 && top === last }
}

/** The lines in sight. */
export function pagerWindow({ lines, top, follows }: Pick<Pager, 'lines' | 'top' | 'follows'>, height: number): readonly string[] {
  const from = follows ? Math.max(0, lines.length - height) : top
  return lines.slice(from, from + height)
}

/** What the output tells that keys can act on: a call, a function's name, its address. */
export function findings({ lines }: Pick<Pager, 'lines'>): { invocation?: string; function?: string; url?: string } {
  const text = lines
    .slice(0, FINDING_LINES)
    .concat(lines.slice(-FINDING_LINES))
    .map(line => stripVTControlCharacters(line))
    .join('\n')
  const invocation = /\bi-[0-9a-z]{26}\b/.exec(text)?.[0]
  const name = /^([a-z][a-z0-9-]*) (?:created|updated|unchanged) /m.exec(text)?.[1]
  const url = /\bhttps?:\/\/\S+\/fn\/\S+/.exec(text)?.[0]
  return {
    ...(invocation === undefined ? {} : { invocation }),
    ...(name === undefined ? {} : { function: name }),
    ...(url === undefined ? {} : { url })
  }
}

const FINDING_LINES = 50

/** What `-v` adds to an error: where in the code of CARES it arose. That is for a bug report, not for this screen. */
const STACK_FRAME = /^\s+at .+:\d+:\d+\)?$/

/** A line of output as lines of the screen. */
function shown(line: string, { columns }: Pager): readonly string[] {
  const safe = harmless(line)
  const text = stripVTControlCharacters(safe)
  if (STACK_FRAME.test(text)) return []
  // A line that must be broken loses its colours rather than a part of its text.
  return stringWidth(text) <= columns ? [safe] : wrapped(text, columns, WRAPPED_ROWS_MAX)
}

/** A longer text is one for a file. */
const WRAPPED_ROWS_MAX = 20

/** Colours stay; everything else that would move the cursor, beep or hide text goes. */
function harmless(line: string): string {
  return line
    .slice(0, LINE_CHARACTERS_MAX)
    .split(COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : plain(part)))
    .join('')
}

const ESCAPE = '\u001B'

/** Sequences that change colours and nothing else. */
const COLOURS = new RegExp(String.raw`(${ESCAPE}\[[0-9;]*m)`)

function plain(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\t', '    ')).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
}
