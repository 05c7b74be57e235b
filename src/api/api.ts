import fastify from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { CaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Startable } from '../model/ports/startable.ts'
import { REST_PATHS } from '../model/rest-paths.ts'
import type { PeerService } from '../model/service.ts'
import { createAccess, isLoopbackHost } from './access.ts'
import type { ApiContext, App } from './context.ts'
import { type DashboardInit, dashboardRoutes } from './dashboard.ts'
import { createExpectations } from './expectations.ts'
import { Feed } from './feed.ts'
import { freshReads } from './fresh-reads.ts'
import { createLimits } from './limits.ts'
import { createMetrics } from './metrics/metrics.ts'
import { describeApi } from './openapi.ts'
import { answerProblems, answerUnreadable, sendProblem, URL_HINT } from './problem-replies.ts'
import { collectRoutes } from './route-table.ts'
import { callRoutes } from './routes/calls.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { eventRoutes } from './routes/events.ts'
import { admissionRoutes } from './routes/admissions.ts'
import { economyRoutes } from './routes/economy.ts'
import { functionRoutes } from './routes/functions.ts'
import { invocationRoutes } from './routes/invocations.ts'
import { logRoutes, taskLogRoutes } from './routes/logs.ts'
import { payloadRoutes } from './routes/payloads.ts'
import { peerRoutes } from './routes/peers.ts'
import { probeRoutes } from './routes/probes.ts'
import { alertRoutes, statsRoutes } from './routes/stats.ts'
import { shareAnswers } from './shared-answers.ts'
import { telemetrySocketRoutes } from './routes/telemetry-socket.ts'
import { taskRoutes } from './routes/tasks.ts'
import { validatorCompiler } from './schema-compilers.ts'
import { callsByWebSocket } from './web-socket.ts'

export interface ApiInit {
  /** Address to listen on. On a loopback address, callers on this machine need no token. */
  host: string
  /** 0: any that is free. */
  port: number
  /** Bearer tokens, any of which opens the API. Empty: the API is open to everyone who can reach it. */
  tokens?: readonly string[]
  /** Names that clients without a token may use for this peer, beside addresses and names that mean something on this network only. @default none */
  hostNames?: readonly string[]
  /** Largest request body of a synchronous call, in bytes. It is streamed: raising this costs no memory. @default 1 GiB */
  bodyBytesMax?: number
  /** Function calls served at once; more are refused as `overloaded`. Each costs two sockets and some buffers. @default 1_000 */
  callsMax?: number
  /** Other requests served at once. @default 256 */
  requestsMax?: number
  /** Event, telemetry and log streams at once; each may hold some 400 kB for a slow reader. @default 500 */
  streamsMax?: number
  /** Connections at once, idle ones included. @default 8_192 */
  connectionsMax?: number
  /** Folder of the built dashboard, with a `/` at its end. @default where `npm run build:web` leaves it */
  dashboardFolder?: string
  /** How long `stop` lets calls end by themselves, in milliseconds. @default 10_000 */
  stopGraceMs?: number
}

export interface ApiComponents {
  service: PeerService
  clock: Clock
  log: Logger
  /** Holds further metrics that `/metrics` shall show. @default a new one */
  registry?: Registry
}

/** The HTTP API of one peer. */
export interface Api extends Startable {
  /** Where it listens, once started: `http://127.0.0.1:7070`. */
  readonly url: string
  /** Without listening, `app.inject()` drives it. */
  readonly app: App
}

/** Bodies that are JSON: the largest is a function with all the environment it may have. */
const JSON_BODY_BYTES_MAX = 262_144

/** Node's own limit, stated: request line and headers together. */
const HEADER_BYTES_MAX = 16_384

/** A URL must fit into the headers' limit, so no part of a path needs a smaller one. */
const PATH_PART_CHARACTERS_MAX = HEADER_BYTES_MAX

/** Longer than the idle timeouts of common proxies (60 s), so that it is not this side that closes under a request. */
const KEEP_ALIVE_MS = 72_000

/** While stopping, connections whose last call has just ended are looked for this often. */
const IDLE_SWEEP_MS = 50

/** Builds the API over a peer. Nothing listens before `start`. */
export function createApi(init: ApiInit, { service, clock, log, registry }: ApiComponents): Api {
  const { host, port, tokens = [], bodyBytesMax = 2 ** 30, connectionsMax = 8_192, stopGraceMs = 10_000 } = init
  const stopping = new AbortController()
  const aborting = new AbortController()
  const app = buildApp()
  const url = (): string => urlOf(host, (app.server.address() as AddressInfo | null)?.port ?? port)
  const context: ApiContext = {
    service,
    clock,
    log,
    access: createAccess({
      tokens,
      loopbackOnly: isLoopbackHost(host),
      hostNames: [host, ...(init.hostNames ?? [])]
    }),
    expectations: createExpectations(app.server, { clock }),
    metrics: createMetrics(service, registry),
    feed: new Feed({ service, clock }),
    bodyBytesMax,
    url,
    stopping: stopping.signal,
    aborting: aborting.signal
  }
  const limits = createLimits({
    calls: init.callsMax ?? 1_000,
    requests: init.requestsMax ?? 256,
    streams: init.streamsMax ?? 500
  })

  app.server.maxConnections = connectionsMax
  answerProblems(app, { log, routes: collectRoutes(app) })
  app.addHook('onRequest', async (request, reply) => {
    if (stopping.signal.aborted) {
      void reply.header('connection', 'close')
      throw new CaresError('stopping', 'this peer is stopping', { retryable: true, hint: 'ask another peer' })
    }
    if (request.routeOptions.config.public !== true) context.access.require(request.raw)
    limits.take(request, reply.raw)
  })
  describeApi(app, { version: service.profile.version })
  app.register(async scope => callRoutes(scope.withTypeProvider<ZodTypeProvider>(), context))
  app.register(async scope => payloadRoutes(scope.withTypeProvider<ZodTypeProvider>(), context))
  app.register(async scope => jsonRoutes(scope.withTypeProvider<ZodTypeProvider>(), context))
  app.register(async scope => await telemetrySocketRoutes(scope.withTypeProvider<ZodTypeProvider>(), context))
  app.register(async scope => await dashboardRoutes(scope.withTypeProvider<ZodTypeProvider>(), dashboardInit()))

  function dashboardInit(): DashboardInit {
    const { name, version } = service.profile
    return { name, version, folder: init.dashboardFolder }
  }

  return {
    app,
    get url() {
      return url()
    },
    start: async () => {
      if (app.server.listening) return
      await app.listen({ host, port }).catch((cause: unknown) => {
        throw notListening(cause, host, port)
      })
      log.info({ url: url() }, 'API listens')
    },
    stop: async () => {
      const reason = new CaresError('stopping', 'this peer is stopping', { retryable: true })
      stopping.abort(reason)
      const over = clock.timeout(stopGraceMs)
      over.addEventListener('abort', () => {
        aborting.abort(reason)
        app.server.closeAllConnections()
      })
      using _ = clock.every(IDLE_SWEEP_MS, () => app.server.closeIdleConnections())
      await app.close()
    }
  }
}

function buildApp(): App {
  const app = fastify({
    bodyLimit: JSON_BODY_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Calls take as long as their functions may: they have deadlines of their own.
    requestTimeout: 0,
    connectionTimeout: 0,
    http: { maxHeaderSize: HEADER_BYTES_MAX, shouldUpgradeCallback: request => opensTelemetry(request) || callsByWebSocket(request) },
    routerOptions: { maxParamLength: PATH_PART_CHARACTERS_MAX },
    // Answered by a hook, as a problem document.
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (cause, request, reply) => {
      sendProblem(reply, request, new CaresError('bad_request', 'the URL is not valid', { hint: URL_HINT, cause }))
    }
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  return app
}

/** Everything whose bodies are JSON. */
function jsonRoutes(app: App, context: ApiContext): void {
  app.removeContentTypeParser('text/plain')
  app.addHook('preParsing', async (request, reply) => {
    context.expectations.proceed(request.raw, reply.raw)
  })
  app.addHook('onSend', async (_, reply) => {
    void reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store')
  })
  shareAnswers(app, context)
  freshReads(app, context)
  functionRoutes(app, context)
  economyRoutes(app, context)
  invocationRoutes(app, context)
  admissionRoutes(app, context)
  peerRoutes(app, context)
  statsRoutes(app, context)
  alertRoutes(app, context)
  clusterRoutes(app, context)
  eventRoutes(app, context)
  logRoutes(app, context)
  taskRoutes(app, context)
  taskLogRoutes(app, context)
  probeRoutes(app, context)
}

/** Other upgrades are ignored, as HTTP allows: `curl --http2` offers one with every call, and gets its answer by HTTP/1.1. */
function opensTelemetry({ url = '', headers }: IncomingMessage): boolean {
  return url.split('?', 1)[0] === REST_PATHS.ws && headers.upgrade?.toLowerCase() === 'websocket'
}

function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

function notListening(cause: unknown, host: string, port: number): CaresError {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new CaresError('conflict', `${host}:${port} is in use by another process`, {
      hint: 'choose another with --http HOST:PORT',
      cause
    })
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new CaresError('invalid', `cannot listen on ${host}:${port} (${code})`, { hint: 'choose another with --http HOST:PORT', cause })
  }
  return new CaresError('internal', `cannot listen on ${host}:${port}`, { cause })
}
