import { CaresError } from '../../model/errors.ts'

/** A CSV file in memory: cells by row and column name. */
export interface CsvFile {
  /** For messages. */
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly CsvRow[]
}

/** One row; its readers throw `invalid` with file and line. */
export interface CsvRow {
  /** The text of a column. */
  text(column: string): string
  /** A finite number of at least `min`. */
  number(column: string, min?: number): number
  /** All cells, by position. */
  readonly cells: readonly string[]
}

/** The names of the columns: the first line. */
export function headings(text: string): readonly string[] {
  const end = text.search(/\r?\n/)
  const line = end < 0 ? text : text.slice(0, end)
  return line
    .replace(/^\uFEFF/, '')
    .split(',')
    .map(column => column.trim())
}

/** Reads comma-separated values with a line of headings. Traces hold numbers and hashes only, so there is no quoting. */
export function parseCsv(text: string, name: string): CsvFile {
  const lines = text.split(/\r?\n/)
  const columns = headings(text)
  const places = new Map(columns.map((column, i) => [column, i]))
  const rows: CsvRow[] = []
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (line.trim() === '') continue
    const cells = line.split(',')
    const where = `${name}:${at + 1}`
    if (cells.length !== columns.length) {
      throw new CaresError('invalid', `${where} has ${cells.length} cells, and the heading ${columns.length}`, {
        hint: 'check that the file is whole and comma-separated'
      })
    }
    const cell = (column: string): string => {
      const place = places.get(column)
      if (place === undefined) {
        throw new CaresError('invalid', `${name} has no column ${column}`, { hint: `its columns are ${columns.slice(0, 12).join(', ')}` })
      }
      return cells[place] ?? ''
    }
    rows.push({
      cells,
      text: cell,
      number: (column, min = 0) => {
        const value = Number(cell(column))
        if (cell(column).trim() === '' || !Number.isFinite(value) || value < min) {
          throw new CaresError('invalid', `${where}: ${column} must be a number of at least ${min}, not ${JSON.stringify(cell(column))}`)
        }
        return value
      }
    })
  }
  return { name, columns, rows }
}
