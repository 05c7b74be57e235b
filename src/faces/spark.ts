/** From nothing to all; a step without a number is a blank. */
const UNICODE = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const
const ASCII = ['.', ':', '-', '=', '+', '*', '#'] as const

/**
 * Numbers by time as one row of `width` characters, the newest at the right: each shows the mean of the steps that fall into it, a blank where
 * nothing is known of any.
 *
 * @param max - what fills a character; absent: the largest of the numbers, so that the shape is seen and not the size
 */
export function spark(
  values: readonly (number | null)[],
  { width, max, unicode = false }: { width: number; max?: number | undefined; unicode?: boolean | undefined }
): string {
  const levels = unicode ? UNICODE : ASCII
  const columns = Math.min(width, values.length)
  const means = Array.from({ length: columns }, (_, column) => {
    const part = values.slice(Math.floor((column * values.length) / columns), Math.floor(((column + 1) * values.length) / columns))
    const known = part.filter(value => value !== null)
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
  })
  const top = max ?? Math.max(0, ...means.filter(value => value !== null))
  return means
    .map(mean => {
      if (mean === null) return ' '
      const level = top <= 0 ? 0 : Math.round(Math.min(1, Math.max(0, mean / top)) * (levels.length - 1))
      return levels[level] ?? ' '
    })
    .join('')
}
