/** An ascending copy. By insertion: of the few dozen numbers that a history holds, several times as fast as `toSorted` with its comparator. */
export function sorted(values: readonly number[]): number[] {
  const ascending: number[] = []
  for (const value of values) {
    let at = ascending.length
    ascending.push(value)
    for (; at > 0; at--) {
      const before = ascending[at - 1] ?? 0
      if (before <= value) break
      ascending[at] = before
    }
    ascending[at] = value
  }
  return ascending
}
