/** Of a character, in user units: a size that is sharp at twice the pixels, too. */
const CELL = { width: 8.4, height: 16.4 }
const PADDING = 14

/** The colours of a common dark terminal, for what ECMA-48 8.3.117 calls 31 to 37. */
const COLOURS: Readonly<Record<number, string>> = {
  31: '#f47c7c',
  32: '#5fd38d',
  33: '#e3b341',
  34: '#6ea2ff',
  35: '#d08bf0',
  36: '#59c2d6',
  37: '#e7eaee'
}
const TEXT = '#d7dce3'
const GROUND = '#0f1217'

interface Style {
  readonly bold: boolean
  readonly dim: boolean
  readonly inverse: boolean
  readonly colour: string
}

const PLAIN: Style = { bold: false, dim: false, inverse: false, colour: TEXT }

/** A terminal's screen with its escape sequences, as a picture. Every run of text is given its width, so that any monospaced font keeps the columns. */
export function terminalSvg(screen: string, title: string): string {
  const rows = screen.trimEnd().split('\n').map(runsOf)
  const columns = Math.max(...rows.map(runs => runs.reduce((sum, { text }) => sum + widthOf(text), 0)))
  const width = Math.ceil(columns * CELL.width + 2 * PADDING)
  const height = Math.ceil(rows.length * CELL.height + 2 * PADDING)
  const drawn = rows.map((runs, row) => {
    let column = 0
    return runs
      .map(({ text, style }) => {
        const x = PADDING + column * CELL.width
        const length = widthOf(text)
        column += length
        return text.trim() === '' && !style.inverse
          ? ''
          : runSvg(text, style, { x, y: PADDING + row * CELL.height, width: length * CELL.width })
      })
      .join('')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${GROUND}"/>`,
    ...drawn,
    '</svg>\n'
  ].join('\n')
}

function runSvg(text: string, { bold, dim, inverse, colour }: Style, place: { x: number; y: number; width: number }): string {
  const box = inverse
    ? `<rect x="${at(place.x)}" y="${at(place.y)}" width="${at(place.width)}" height="${CELL.height}" fill="${colour}"/>`
    : ''
  const looks = `fill="${inverse ? GROUND : colour}"${bold ? ' font-weight="bold"' : ''}${dim ? ' opacity="0.6"' : ''}`
  return `${box}<text x="${at(place.x)}" y="${at(place.y + 13)}" textLength="${at(place.width)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" ${looks}>${escaped(text)}</text>`
}

/** Columns of a text: characters, of which a few take two units. */
function widthOf(text: string): number {
  return Array.from(text).length
}

/** A row as pieces of one style each. */
function runsOf(row: string): { text: string; style: Style }[] {
  const runs: { text: string; style: Style }[] = []
  let style = PLAIN
  // oxlint-disable-next-line no-control-regex -- a terminal's styles begin with the control character
  for (const [, codes, text = ''] of row.matchAll(/(?:\u001B\[([\d;]*)m)|([^\u001B]+)/g)) {
    if (codes === undefined) runs.push({ text, style })
    else for (const code of codes.split(';').map(Number)) style = styled(style, code)
  }
  return runs
}

function styled(style: Style, code: number): Style {
  if (code === 0) return PLAIN
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 22) return { ...style, bold: false, dim: false }
  if (code === 7) return { ...style, inverse: true }
  if (code === 27) return { ...style, inverse: false }
  if (code === 39) return { ...style, colour: TEXT }
  const colour = COLOURS[code]
  return colour === undefined ? style : { ...style, colour }
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
