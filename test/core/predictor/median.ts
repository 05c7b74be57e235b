/** An ascending copy. */
export function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b)
}

/** The middle value, or the mean of the two in the middle; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const ascending = sorted(values)
  const upper = ascending[ascending.length >> 1]
  if (upper === undefined || ascending.length % 2 === 1) return upper
  return (upper + (ascending[(ascending.length >> 1) - 1] ?? upper)) / 2
}
