import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { PeerService } from '../model/service.ts'
import type { Access } from './access.ts'
import type { Expectations } from './expectations.ts'
import type { Feed } from './feed.ts'
import type { CallMetrics } from './metrics/metrics.ts'

/** Fastify, with zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What the routes share. */
export interface ApiContext {
  readonly service: PeerService
  readonly clock: Clock
  readonly log: Logger
  readonly access: Access
  readonly expectations: Expectations
  readonly metrics: CallMetrics
  /** Peers and events for all streams and WebSockets. */
  readonly feed: Feed
  /** Largest request body of a synchronous call, in bytes. */
  readonly bodyBytesMax: number
  /** `http://host:port` of this API, for clients that do not say which host they asked. */
  readonly url: () => string
  /** Aborted when the API begins to stop: streams that would not end by themselves end then. */
  readonly stopping: AbortSignal
  /** Aborted when the API has waited long enough for calls to end. */
  readonly aborting: AbortSignal
}
