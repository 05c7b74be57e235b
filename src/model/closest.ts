/**
 * The candidate that a mistyped `word` most likely meant, or undefined when none is near: at most a third of its letters may differ, so that
 * a short word is not "corrected" to something unrelated. A swap of two neighbours counts as one mistake (optimal string alignment distance).
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Longer words are not compared: nobody mistypes them by hand, and the table is quadratic. */
const COMPARED_CHARACTERS_MAX = 128

function editDistance(a: string, b: string): number {
  if (a.length > COMPARED_CHARACTERS_MAX || b.length > COMPARED_CHARACTERS_MAX) return a === b ? 0 : Number.POSITIVE_INFINITY
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= a.length; row++) {
    rows[row] = [row]
    for (let column = 1; column <= b.length; column++) {
      const differs = a[row - 1] === b[column - 1] ? 0 : 1
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY
      rows[row]?.push(Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + differs, swapped))
    }
  }
  return at(a.length, b.length)
}
