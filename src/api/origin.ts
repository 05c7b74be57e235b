import type { FastifyRequest } from 'fastify'

/**
 * `http://host:port` as the client wrote it, so that URLs in answers work where the question came from; `fallback` when it does not say, or
 * says what is no host.
 */
export function originOf({ raw }: FastifyRequest, fallback: string): string {
  const { host = '' } = raw.headers
  return /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host) ? `http://${host}` : fallback
}
