import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/**
 * Names below these are never answered by the public domain name system: RFC 6761 (`localhost`), RFC 6762 (`local`), RFC 8375 (`home.arpa`), and
 * `internal`, which ICANN has set aside for private use (resolution 2024.07.29.06).
 */
const PRIVATE_ENDINGS = ['.localhost', '.local', '.internal', '.home.arpa'] as const

/** Says whether a request asks for this machine by a name that is its own. */
export type HostCheck = (headers: Pick<IncomingHttpHeaders, 'host'>) => boolean

/**
 * Against DNS rebinding: a page may point its own name at this machine, and the browser then lets it read and change what it finds here, as its own site.
 * But it cannot make the browser send an IP address as `Host`, nor a name that only the local network knows. So these are accepted, names without a dot
 * among them, and the given `names`; all others are not.
 */
export function createHostCheck(names: readonly string[]): HostCheck {
  const own: ReadonlySet<string> = new Set(names.map(name => name.toLowerCase()))
  return ({ host = '' }) => {
    const name = hostNameIn(host)
    if (name === undefined) return false
    // No browser leaves it out.
    return name === '' || isIP(name) !== 0 || !name.includes('.') || own.has(name) || PRIVATE_ENDINGS.some(ending => name.endsWith(ending))
  }
}

/** The name or address in a `Host` header, without brackets, port and the dot of a complete name; undefined when it holds none. */
export function hostNameIn(host: string): string | undefined {
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d*)?$/.exec(host) ?? []
  return address ?? name?.toLowerCase().replace(/\.$/, '')
}
