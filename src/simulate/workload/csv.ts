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
  /** For messages: file and line. */
  readonly where: string
  /** The text of a column. */
  text(column: string): string
  /** A finite number of at least `min`. */
  number(column: string, min?: number): number
  /** All cells, by position. */
  readonly cells: readonly string[]
}

/** The names of the columns: the first line. */
export function headings(text: string): readonly string[] {
  for (const { cells } of records(text)) return cells.map(column => column.trim())
  return []
}

interface CsvRecord {
  readonly cells: readonly string[]
  /** On which it begins, from 1. */
  readonly line: number
}

/** A file without quotes is cut at its commas: that is most of the time in which a large trace is read. */
function* records(text: string): Generator<CsvRecord, void> {
  const from = text.startsWith('\uFEFF') ? 1 : 0
  if (text.includes('"')) {
    yield* quotedRecords(text, from)
    return
  }
  for (let at = from, line = 1; at < text.length; line++) {
    const end = text.indexOf('\n', at)
    const next = end < 0 ? text.length : end
    yield { cells: text.slice(at, text[next - 1] === '\r' ? next - 1 : next).split(','), line }
    at = next + 1
  }
}

/** A cell in quotes, which may hold commas, ends of lines and doubled quotes, or one without; and what ends it. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y

/** Records as RFC 4180 has them. */
function* quotedRecords(text: string, from: number): Generator<CsvRecord, void> {
  let cells: string[] = []
  let line = 1
  let beginsAt = 1
  for (let at = from; at < text.length || cells.length > 0; ) {
    CELL.lastIndex = at
    const match = CELL.exec(text)
    if (match === null) {
      throw new CaresError('invalid', `line ${line}: a quote inside a cell, or one that does not end`, {
        hint: 'put the whole cell in quotes, and double the quotes inside it'
      })
    }
    const [whole, quoted, plain = '', end = ''] = match
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    line += whole.split('\n').length - 1
    at += whole.length
    if (end === ',') continue
    yield { cells, line: beginsAt }
    cells = []
    beginsAt = line
  }
}

/** Reads comma-separated values (RFC 4180) with a line of headings. Throws `invalid`. */
export function parseCsv(text: string, name: string): CsvFile {
  const columns = headings(text)
  const places = new Map(columns.map((column, i) => [column, i]))
  const rows: CsvRow[] = []
  for (const { cells, line } of records(text)) {
    if (line === 1 || (cells.length === 1 && cells[0]?.trim() === '')) continue
    const where = `${name}:${line}`
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
      where,
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
