import type { Headers } from '../model/invocation.ts'

/**
 * Fields that speak about one connection, not about the message (RFC 9110 section 7.6.1), and so end here; and `expect`, which the gateway has
 * answered already.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect'
])

/** The headers that may pass on: without the hop-by-hop ones and those that `connection` names. */
export function endToEnd(headers: Headers): Headers {
  const named = new Set(headers.filter(([name]) => name === 'connection').flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/)))
  return headers.filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name))
}

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
