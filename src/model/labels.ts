/** One constraint on labels: `zone=eu`, `zone!=us`, or `gpu` for any value. */
const CONSTRAINT = /^(?<key>[^=!]+)(?:(?<operator>!?=)(?<value>.*))?$/

/**
 * Whether labels meet all constraints. `key=value`: the label has this value; `key!=value`: it has another, or is absent; `key`: it is there, with
 * any value. A constraint that cannot be read is not met.
 */
export function meets(labels: Readonly<Record<string, string>>, constraints: readonly string[]): boolean {
  return firstUnmet(labels, constraints) < 0
}

/** Index of the first constraint that the labels do not meet; -1 when they meet all. See {@link meets}. */
export function firstUnmet(labels: Readonly<Record<string, string>>, constraints: readonly string[]): number {
  return constraints.findIndex(text => {
    const { key = '', operator, value } = CONSTRAINT.exec(text)?.groups ?? {}
    const has = Object.hasOwn(labels, key)
    if (operator === undefined) return !has
    return operator === '=' ? !has || labels[key] !== value : has && labels[key] === value
  })
}

/** The label that holds a peer's number of GPUs. Its name alone, as a constraint, asks for a peer that has any. */
export const GPU_LABEL = 'gpu'

/** How many GPUs a peer has by its labels; 0 without the label. Infinity for a value that is no number: an operator wrote it, and may mean any. */
export function gpusOf(labels: Readonly<Record<string, string>>): number {
  const text = labels[GPU_LABEL]
  if (text === undefined) return 0
  return /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}
