import type { Headers } from './invocation.ts'

/** Fields that speak about one connection, not about the message (RFC 9110 section 7.6.1); and `expect`, which the gateway answers itself. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

/** The headers that may pass on, names in lower case: without the hop-by-hop ones and those that `connection` names. */
export function endToEnd(headers: Headers): Headers {
  const lower = headers.map(([name, value]) => [name.toLowerCase(), value] as const)
  const named = new Set(
    lower.filter(([name]) => name === 'connection').flatMap(([, value]) => value.split(',').map(token => token.trim().toLowerCase()))
  )
  return lower.filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name))
}
