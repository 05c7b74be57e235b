import websocket from '@fastify/websocket'
import { z } from 'zod'
import { CaresError } from '../../model/errors.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { WS_PROTOCOL, WS_TOKEN_PREFIX, wsMessageSchema, type WsSubscribe } from '../../model/rest-telemetry.ts'
import type { ApiContext, App } from '../context.ts'
import { flag } from '../queries.ts'
import { readSubscription, TelemetrySession } from '../telemetry-session.ts'
import { documented } from './documented.ts'

/** A subscription to 256 peers by their ids, and some more. */
const MESSAGE_BYTES_MAX = 32_768

const oneOrMore = z.union([z.string().max(256), z.array(z.string().max(256)).max(256)])

const query = z.strictObject({
  peer: oneOrMore.optional().describe('a name, an id or the beginning of one; may repeat; absent: all peers'),
  types: z.string().max(1_024).optional().describe('event names or their nouns, with commas; absent: all, empty: none'),
  stats: flag.optional().describe('false: no `peers` messages'),
  after: z.string().max(64).optional().describe('go on after the event with this id')
})

const DESCRIPTION = [
  `A WebSocket (RFC 6455), subprotocol \`${WS_PROTOCOL}\`, one JSON object a message. The server sends \`WsMessage\`s: \`hello\`, a \`snapshot\`, and`,
  'from then on `peers` and `events` within 50 ms of what they tell. The client may send a `WsSubscribe` at any time to change what it is told; the',
  'query does the same from the start.',
  'A slow client is not queued for: it gets the newest state of each peer, and `missed` says how many events are lost to it. The server pings',
  'every 15 seconds and hangs up on a client that does not answer, or takes nothing for half a minute (code 1006). It closes with 1001 when the',
  `peer stops. The token goes into the usual headers, or, from a browser, as the subprotocol \`${WS_TOKEN_PREFIX}\` and the token in base64url`,
  `beside \`${WS_PROTOCOL}\`. Without a token, pages of other sites are refused.`
].join(' ')

/** Peers and events, pushed. */
export async function telemetrySocketRoutes(app: App, context: ApiContext): Promise<void> {
  const { service, log } = context
  await app.register(websocket, {
    options: {
      maxPayload: MESSAGE_BYTES_MAX,
      // Each client's compressor would hold some 100 kB, and every client would need its own text.
      perMessageDeflate: false,
      // The token is never repeated to the client: it would end up in logs.
      handleProtocols: protocols => (protocols.has(WS_PROTOCOL) ? WS_PROTOCOL : false)
    },
    errorHandler: (error, socket) => {
      log.debug({ err: error }, 'telemetry socket broke')
      socket.terminate()
    },
    // The sessions close themselves when the API begins to stop.
    preClose: done => done()
  })
  // A connection whose upgrade was refused is no HTTP connection any more: nothing else will ever come of it.
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.headers.upgrade?.toLowerCase() === 'websocket') raw.socket.destroySoon()
  })
  app.route({
    method: 'GET',
    url: REST_PATHS.ws,
    config: { budget: 'streams' },
    schema: {
      ...documented('observe', 'Peers and events as they change, by WebSocket', {
        101: wsMessageSchema.describe('each message of the server')
      }),
      description: DESCRIPTION,
      querystring: query
    },
    // Before the connection changes its protocol: what cannot be is refused as by any other route.
    preHandler: async request => {
      if (request.ws) readSubscription(subscriptionOf(request.query), service)
    },
    handler: async () => {
      throw new CaresError('bad_request', 'this path is a WebSocket', {
        hint: 'open it with a WebSocket client, or read /v1/events instead'
      })
    },
    wsHandler: async (socket, request) => {
      const first = readSubscription(subscriptionOf(request.query), service)
      await new TelemetrySession(socket, context, first).run()
    }
  })
}

function subscriptionOf({ peer, types, stats, after }: z.infer<typeof query>): WsSubscribe {
  return {
    type: 'subscribe',
    peers: peer === undefined ? undefined : [peer].flat(),
    types: types === '' ? [] : types?.split(','),
    stats,
    after
  }
}
