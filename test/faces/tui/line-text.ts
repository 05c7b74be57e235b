import type { Line } from '../../../src/faces/tui/lines.ts'

/** The text of a row without its styles. */
export function lineText(line: Line): string {
  return line.map(span => (typeof span === 'string' ? span : span.text)).join('')
}
