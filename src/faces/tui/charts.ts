import type { Glyphs } from './glyphs.ts'

/** A line of samples, oldest first, as `width` columns of one row: each shows the mean of the samples that fall into it. */
export function sparkline(
  values: readonly number[],
  { width, max, span }: { width: number; max: number; span: number },
  glyphs: Glyphs
): string {
  return chartRows(values, { width, height: 1, max, span }, glyphs)[0] ?? ''
}

/**
 * Samples as a chart of `height` rows, the top one first.
 *
 * @param values - oldest first; the newest stands at the right end
 * @param shape - `span`: how many samples the whole width stands for; `max`: the value that fills all rows
 */
export function chartRows(
  values: readonly number[],
  { width, height, max, span }: { width: number; height: number; max: number; span: number },
  { levels }: Glyphs
): string[] {
  if (levels.length === 0 || width <= 0) return Array.from({ length: height }, () => '')
  const columns = bucketed(values, width, span)
  const steps = levels.length - 1
  return Array.from({ length: height }, (_, row) => {
    const floor = (height - 1 - row) / height
    return columns
      .map(value => {
        if (value === undefined) return ' '
        const part = max <= 0 ? 0 : Math.min(1, Math.max(0, value / max))
        const level = Math.round((part - floor) * height * steps)
        // What was sampled and is next to nothing is still a line at the bottom.
        return levels[Math.min(steps, Math.max(row === height - 1 ? 1 : 0, level))] ?? ' '
      })
      .join('')
  })
}

/** The mean of the samples of each column; undefined before the first sample. */
function bucketed(values: readonly number[], width: number, span: number): (number | undefined)[] {
  return Array.from({ length: width }, (_, column) => {
    const end = values.length - Math.round(((width - 1 - column) * span) / width)
    const start = Math.min(end - 1, values.length - Math.round(((width - column) * span) / width))
    const slice = values.slice(Math.max(0, start), Math.max(0, end))
    return slice.length === 0 ? undefined : slice.reduce((sum, value) => sum + value, 0) / slice.length
  })
}
