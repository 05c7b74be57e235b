import type { Glyphs } from './glyphs.ts'
import { dim, fitLine, type Line, lineWidth, type Span } from './lines.ts'

/** A part of the screen under a heading. */
export interface Section {
  readonly title: Line
  /** At the right end of the heading; gives way when there is no room. */
  readonly right?: Line | undefined
  readonly rows: readonly Line[]
  /** Rows below the heading; more are cut, fewer are filled. */
  readonly height: number
}

/** What a view shows: its parts, and the keys that work in it. */
export interface Page {
  readonly sections: readonly Section[]
  readonly keys: readonly KeyHint[]
}

/** A key, and what it does in one or two words. */
export type KeyHint = readonly [key: string, does: string]

/** Room for a page: columns of text within the frame, and rows for all sections with their headings. */
export interface Area {
  readonly width: number
  readonly height: number
  readonly glyphs: Glyphs
}

/** Columns that the frame takes beside the text. */
export const FRAME_COLUMNS = 4

/** The page in its frame, `columns` wide: each heading is a rule, the last rule holds the keys, or what there is to say instead. */
export function framed({ sections, keys }: Page, columns: number, glyphs: Glyphs, notice?: Line): readonly Line[] {
  const inner = columns - FRAME_COLUMNS
  const rows = sections.flatMap((section, index) => [
    rule(section.title, section.right ?? [], { columns, glyphs, place: index === 0 ? 'top' : 'middle' }),
    ...Array.from({ length: section.height }, (_, row) => sided(fitLine(section.rows[row] ?? [], inner), glyphs))
  ])
  return [...rows, rule(notice ?? keyRow(keys, columns - RULE_ENDS), [], { columns, glyphs, place: 'bottom' })]
}

/** Keys as a row of `width` columns: `enter peer  l logs`. Where not all fit, the last one (how to leave) stays, and those before it go. */
export function keyRow(hints: readonly KeyHint[], width: number): Line {
  const rowOf = (shown: readonly KeyHint[]): Line =>
    shown.flatMap(([key, does], index): Span[] => [index === 0 ? '' : '  ', { text: key, bold: true }, ` ${does}`])
  let shown = hints
  while (shown.length > 1 && lineWidth(rowOf(shown)) > width) shown = [...shown.slice(0, -2), ...shown.slice(-1)]
  return rowOf(shown)
}

function sided(row: Line, { border }: Glyphs): Line {
  return border === null ? row : [dim(`${border.vertical} `), ...row, dim(` ${border.vertical}`)]
}

function rule(
  title: Line,
  right: Line,
  { columns, glyphs, place }: { columns: number; glyphs: Glyphs; place: 'top' | 'middle' | 'bottom' }
): Line {
  const { border } = glyphs
  if (border === null) return fitLine([...title, ...(right.length === 0 ? [] : ['  ', ...right])], columns)
  const [start, end] =
    place === 'top'
      ? [border.topLeft, border.topRight]
      : place === 'middle'
        ? [border.left, border.right]
        : [border.bottomLeft, border.bottomRight]
  const room = columns - RULE_ENDS
  const shown = lineWidth(title) > room ? fitLine(title, room) : title
  const rest = room - lineWidth(shown)
  const rightWidth = lineWidth(right)
  const hasRight = rightWidth > 0 && rightWidth + 3 <= rest
  const filler = border.horizontal.repeat(Math.max(0, rest - (hasRight ? rightWidth + 2 : 0)))
  return [
    dim(`${start}${border.horizontal}`),
    ...(lineWidth(shown) === 0 ? [dim(border.horizontal.repeat(2))] : [' ', ...shown, ' ']),
    dim(filler),
    ...(hasRight ? [' ', ...right, ' '] : []),
    dim(`${border.horizontal}${end}`)
  ]
}

/** Of a rule: a corner, a piece and a blank at each end. */
const RULE_ENDS = 6
