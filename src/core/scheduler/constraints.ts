/** What a label must be like: `zone=eu`, `zone!=us`, or `gpu` for any value. */
const CONSTRAINT = /^(?<key>[^=!]+)(?:(?<operator>!?=)(?<value>.*))?$/

/**
 * Whether labels are what all constraints want. `key=value`: just that; `key!=value`: anything else, nothing included; `key`: whatever value.
 * A constraint that cannot be read is not met.
 */
export function meets(labels: Readonly<Record<string, string>>, constraints: readonly string[]): boolean {
  return constraints.every(text => {
    const { key = '', operator, value } = CONSTRAINT.exec(text)?.groups ?? {}
    const has = Object.hasOwn(labels, key)
    if (operator === undefined) return has
    return operator === '=' ? has && labels[key] === value : !has || labels[key] !== value
  })
}
