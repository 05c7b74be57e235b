import stringWidth from 'string-width'

/** What a cell says beyond its text; a face may colour it, but never only colour it. */
export type Tone = 'good' | 'warn' | 'bad' | 'dim'

/** One cell of a table: plain text, or text with a tone. */
export type Cell = string | { readonly text: string; readonly tone: Tone }

/** A column of a {@link Table}. */
export interface Column {
  readonly title: string
  /** Numbers read best flush right. @default 'left' */
  readonly align?: 'left' | 'right'
  /** Shown only when the reader asks for everything (`-o wide`). @default false */
  readonly wide?: boolean
  /** The column that gives way when the table is wider than the screen. @default false */
  readonly shrinks?: boolean
}

/** Rows of text under headings; rows have a cell for each column. */
export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

/** How a {@link Table} is shown: what the reader and the screen make of it. */
export interface TableView {
  /** Also show the columns marked `wide`. @default false */
  readonly wide?: boolean
  /** Columns of the screen; absent: as wide as the content is. */
  readonly width?: number | undefined
  /** Whether the screen shows more than ASCII. @default false */
  readonly unicode?: boolean | undefined
  /** Puts a tone into effect, e.g. by colour. The width of the text must not change. @default the text as it is */
  readonly paint?: ((text: string, tone: Tone) => string) | undefined
}

/** A column is not shortened below this: fewer characters than that say nothing. */
const SHRUNK_WIDTH_MIN = 8

/** The gap between two columns: two spaces part cells that may hold a single one. */
const GAP = '  '

/** The table as lines of text: a heading line, then one for each row, without borders and without spaces at their ends. */
export function renderTable({ columns, rows }: Table, { wide = false, width, paint = text => text }: TableView = {}): string[] {
  const shown = columns.map((column, index) => ({ ...column, index })).filter(column => wide || column.wide !== true)
  const textAt = (row: readonly Cell[], index: number): string => cellText(row[index] ?? '')
  const widths = shown.map(({ title, index }) => Math.max(stringWidth(title), ...rows.map(row => stringWidth(textAt(row, index)))))
  const excess = width === undefined ? 0 : widths.reduce((sum, each) => sum + each, GAP.length * (shown.length - 1)) - width
  const shrinking = shown.findIndex(column => column.shrinks === true)
  const full = widths[shrinking] ?? 0
  if (excess > 0 && shrinking >= 0) widths[shrinking] = Math.min(full, Math.max(SHRUNK_WIDTH_MIN, full - excess))

  const line = (cells: readonly Cell[]): string =>
    shown
      .map(({ align = 'left' }, place) => {
        const cell = cells[place] ?? ''
        const text = fit(cellText(cell), widths[place] ?? 0)
        const space = ' '.repeat(Math.max(0, (widths[place] ?? 0) - stringWidth(text)))
        const painted = typeof cell === 'string' ? text : paint(text, cell.tone)
        return align === 'right' ? space + painted : painted + space
      })
      .join(GAP)
      .trimEnd()
  return [line(shown.map(column => column.title)), ...rows.map(row => line(shown.map(({ index }) => row[index] ?? '')))]
}

/** The text of a cell, without its tone. */
export function cellText(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text
}

/** `text` cut to `width` columns, the last of them an ellipsis when something was cut. */
export function fit(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let cut = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(cut + segment) > width - 1) break
    cut += segment
  }
  return `${cut}…`
}
