import stringWidth from 'string-width'
import type { Tone } from '../table.ts'
import { fit } from '../table.ts'
import type { Ground } from './ground.ts'

/** How a piece of text stands out. Tones are colours of the terminal's own palette, and nothing is told by colour alone. */
export interface Style {
  readonly tone?: Tone | 'accent' | undefined
  readonly bold?: boolean | undefined
  /** The row under the cursor. */
  readonly inverse?: boolean | undefined
}

/** A piece of a row; a plain string has no style. */
export type Span = string | ({ readonly text: string } & Style)

/** One row of the screen. */
export type Line = readonly Span[]

/** The characters of a text as people count them: an emoji or an accented letter is one, however it is encoded. */
export function graphemes(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
}

/** Columns that a text takes. Nearly all of it is ASCII, of which each character takes one: the table of all others is slow to ask. */
function textWidth(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text)
}

/** Columns that a row takes. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, span) => sum + textWidth(spanText(span)), 0)
}

/** The row in exactly `width` columns: cut, with an ellipsis, or filled with spaces. */
export function fitLine(line: Line, width: number): Line {
  const fitted: Span[] = []
  let left = width
  for (const span of line) {
    const text = spanText(span)
    const taken = textWidth(text)
    if (taken > left) {
      // A piece that ends where the row ends still shows that more would follow.
      if (left > 0) fitted.push(withText(span, fit(text, left)))
      left -= left > 0 ? Math.min(left, textWidth(fit(text, left))) : 0
      break
    }
    fitted.push(span)
    left -= taken
  }
  return left > 0 ? [...fitted, ' '.repeat(left)] : fitted
}

/** `text` in exactly `width` columns. */
export function cell(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  if (width <= 0) return ''
  const shown = fit(text, width)
  const space = ' '.repeat(Math.max(0, width - textWidth(shown)))
  return align === 'right' ? space + shown : shown + space
}

/** `text` in rows of at most `width` columns, broken between words where that is possible; further rows are indented. */
export function wrapped(text: string, width: number, rowsMax = 6): readonly string[] {
  const rows: string[] = []
  let row = ''
  const words = text
    .split(' ')
    .flatMap(word => (textWidth(word) > width - 2 ? (word.match(new RegExp(`.{1,${width - 2}}`, 'gu')) ?? []) : [word]))
  for (const word of words) {
    if (row !== '' && textWidth(`${row} ${word}`) > width) {
      rows.push(row)
      row = `  ${word}`
    } else row = row === '' ? word : `${row} ${word}`
  }
  return [...rows, row].slice(0, rowsMax)
}

/** The row as the terminal takes it, in colours for what is behind it. Without a palette it stays bold, dim and inverse: those fit everywhere. */
export function paintLine(line: Line, palette: Ground | null): string {
  return line
    .map(span => {
      if (typeof span === 'string') return span
      const codes = styleCodes(span, palette)
      return codes.length === 0 || span.text === '' ? span.text : `\u001B[${codes.join(';')}m${span.text}\u001B[0m`
    })
    .join('')
}

/**
 * Select Graphic Rendition (ECMA-48 8.3.117): of the colours only the eight of the terminal's own palette. Yellow and cyan are for a dark ground: on white
 * most palettes leave them with less than half the contrast that reading takes.
 */
const TONE_CODES = {
  dark: { good: 32, warn: 33, bad: 31, accent: 36, dim: 2 },
  light: { good: 32, warn: 35, bad: 31, accent: 34, dim: 2 }
} as const

function styleCodes({ tone, bold, inverse }: Style, palette: Ground | null): readonly number[] {
  return [
    ...(bold === true ? [1] : []),
    ...(inverse === true ? [7] : []),
    ...(tone !== undefined && (palette !== null || tone === 'dim') ? [TONE_CODES[palette ?? 'dark'][tone]] : [])
  ]
}

/** A row whose second part stands at its right end; the second gives way when both do not fit. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - lineWidth(left) - lineWidth(right)
  return gap < 1 ? fitLine(left, width) : [...left, ' '.repeat(gap), ...right]
}

/** Every piece of the row with a style on top of its own. */
export function styled(line: Line, style: Style): Line {
  return line.map(span => (typeof span === 'string' ? { text: span, ...style } : { ...span, ...style }))
}

/** A dim piece. */
export function dim(text: string): Span {
  return { text, tone: 'dim' }
}

/** A piece that matters. */
export function bold(text: string): Span {
  return { text, bold: true }
}

function spanText(span: Span): string {
  return typeof span === 'string' ? span : span.text
}

/** The piece with another text. */
export function withText(span: Span, text: string): Span {
  return typeof span === 'string' ? text : { ...span, text }
}
