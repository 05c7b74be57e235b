/** What a label must be like: `zone=eu`, `zone!=us`, or `gpu` for any value. */
const CONSTRAINT = /^(?<key>[^=!]+)(?:(?<operator>!?=)(?<value>.*))?$/

/**
 * Whether labels are what all constraints want. `key=value`: just that; `key!=value`: anything else, nothing included; `key`: whatever value.
 * A constraint that cannot be read is not met.
 */
export function meets(labels: Readonly<Record<string, string>>, constraints: readonly string[]): boolean {
  return firstUnmet(labels, constraints) < 0
}

/** Which constraint is the first that labels are not like, by its place; -1: they meet all, see {@link meets}. */
export function firstUnmet(labels: Readonly<Record<string, string>>, constraints: readonly string[]): number {
  return constraints.findIndex(text => {
    const { key = '', operator, value } = CONSTRAINT.exec(text)?.groups ?? {}
    const has = Object.hasOwn(labels, key)
    if (operator === undefined) return !has
    return operator === '=' ? !has || labels[key] !== value : has && labels[key] === value
  })
}

/** How a peer says how many GPUs it has. Its name alone is a constraint, too: any at all. */
export const GPU_LABEL = 'gpu'

/** How many GPUs a peer with these labels has, as far as they say: a label that was given by hand and is no number may mean any number. */
export function gpusOf(labels: Readonly<Record<string, string>>): number {
  const text = labels[GPU_LABEL]
  if (text === undefined) return 0
  return /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}
