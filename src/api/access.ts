import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { CaresError } from '../model/errors.ts'
import { WS_TOKEN_PREFIX } from '../model/rest-telemetry.ts'
import { createHostCheck, hostNameIn } from './host-names.ts'

export interface AccessInit {
  /** Any of them opens the API; callers on this machine need none while the server is `loopbackOnly`. Empty: everyone who can reach the API may use it. */
  readonly tokens: readonly string[]
  /** Whether the server listens on a loopback address only. */
  readonly loopbackOnly: boolean
  /** Names by which this machine may be asked without a token, beside those that no public name server answers. @default none */
  readonly hostNames?: readonly string[] | undefined
}

/** Who may call, and who may know secrets. */
export interface Access {
  /** Throws unless the caller has a token, or needs none: `unauthorized` where a token would help, else `bad_request`. */
  require(request: IncomingMessage): void
  /** Whether the caller may see the cluster's secret: it has a token, or is on this machine and asks for it by a name of its own. */
  trusts(request: IncomingMessage): boolean
  /** Whether the caller's `Authorization` header is a token of this API: such a header must go no further. */
  authenticates(request: IncomingMessage): boolean
}

/** Header for callers that need `Authorization` for the function they call. */
const TOKEN_HEADER = 'x-cares-token'

/**
 * Access by bearer token. A caller behind a proxy on this machine is not on this machine: one whose request says that it was forwarded counts
 * as remote.
 */
export function createAccess({ tokens, loopbackOnly, hostNames = [] }: AccessInit): Access {
  const isOwnName = createHostCheck(hostNames)
  const digests = tokens.map(digest)
  // Every token is compared, in constant time each, so that the time taken tells nothing of any.
  const isToken = (text: string | undefined): boolean => {
    if (text === undefined) return false
    const given = digest(text)
    return digests.reduce((found, known) => timingSafeEqual(known, given) || found, false)
  }
  const authenticates = ({ headers }: IncomingMessage): boolean => isToken(bearer(headers.authorization))
  const hasToken = (request: IncomingMessage): boolean =>
    authenticates(request) || isToken(request.headers[TOKEN_HEADER]?.toString()) || isToken(offeredToken(request))

  return {
    authenticates,
    trusts: request => hasToken(request) || (isLocal(request) && isOwnName(request.headers)),
    require: request => {
      const open = digests.length === 0 || (loopbackOnly && isLocal(request))
      if (hasToken(request)) return
      if (!open) {
        throw new CaresError('unauthorized', 'this peer wants a token, and the request carries none that it knows', {
          hint: 'send "Authorization: Bearer TOKEN", with the CLI: --token-file FILE'
        })
      }
      if (!isOwnName(request.headers)) throw foreignName(request.headers.host ?? '', digests.length > 0)
      refuseCrossSite(request)
    }
  }
}

/** Whether `host` names this machine only. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host.replace(/^\[|\]$/g, ''))
}

function isLocal({ socket, headers }: IncomingMessage): boolean {
  return isLoopbackAddress(socket.remoteAddress ?? '') && headers['x-forwarded-for'] === undefined && headers.forwarded === undefined
}

function isLoopbackAddress(address: string): boolean {
  return /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address) || address === '::1'
}

/**
 * Functions are not left out: they decide by the headers of cross-origin requests which pages may read their answers, and of a page that has taken this
 * machine's address no browser sends them.
 */
function foreignName(host: string, tokenHelps: boolean): CaresError {
  const name = /^[a-z0-9.-]{1,253}$/.exec(hostNameIn(host) ?? '')?.[0]
  const allow = `start the peer with --allow-host ${name ?? 'NAME'}`
  const message = `without a token, this peer does not answer to ${name === undefined ? 'the name that the request gives it' : `the name ${name}`}`
  return tokenHelps
    ? new CaresError('unauthorized', message, { hint: `send "Authorization: Bearer TOKEN", or ${allow}` })
    : new CaresError('bad_request', message, { hint: `ask it by its address, or ${allow}` })
}

/**
 * Without a token, a browser on this machine could be made to change things here by any page that it shows (cross-site request forgery).
 * Functions are left out: they may be meant for pages of other sites, and decide that themselves.
 */
function refuseCrossSite({ method, url = '', headers }: IncomingMessage): void {
  // A page may not read what it fetches from another site, but any WebSocket that it opens.
  const isOnlyAsked = (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined
  if (isOnlyAsked || !url.startsWith('/v1/')) return
  const { origin, host } = headers
  const foreign = origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`
  if (foreign || headers['sec-fetch-site'] === 'cross-site') {
    throw new CaresError('unauthorized', 'a page of another site may not change this peer without a token', {
      hint: 'send "Authorization: Bearer TOKEN", or ask from a page of this peer'
    })
  }
}

function bearer(header: string | undefined): string | undefined {
  return /^Bearer +([^\s]+) *$/i.exec(header ?? '')?.[1]
}

/** A browser cannot set the headers of a WebSocket: it offers its token as a subprotocol. */
function offeredToken({ headers }: IncomingMessage): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(',').find(name => name.trim().startsWith(WS_TOKEN_PREFIX))
  return offered === undefined ? undefined : Buffer.from(offered.trim().slice(WS_TOKEN_PREFIX.length), 'base64url').toString()
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
