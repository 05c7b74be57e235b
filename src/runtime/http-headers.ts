import type { Headers } from '../model/invocation.ts'

/** Headers as undici gives them (an object, an array where a name repeats) in the model's form. */
export function fromUndici(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) pairs.push([name.toLowerCase(), one])
    }
  }
  return pairs
}
