import { once } from 'node:events'
import { createServer } from 'node:net'
import { toStartError } from './dial-error.ts'

/**
 * Finds out whether these multiaddrs are free to listen on, before anything else of a peer is open. Throws `conflict` for the first that is in use.
 * What else may be wrong with one is left to the start of the network, as is an address that is taken in between.
 */
export async function checkListen(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const [, version, host, port] = /^\/ip([46])\/([^/]+)\/tcp\/([1-9]\d*)(?:\/|$)/.exec(address) ?? []
    if (port === undefined) continue
    const server = createServer()
    try {
      server.listen({ host, port: Number(port), ipv6Only: version === '6', exclusive: true })
      await once(server, 'listening')
      server.close()
      await once(server, 'close')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') throw toStartError(error)
    }
  }
}
