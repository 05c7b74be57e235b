import type { FastifyRequest } from 'fastify'
import { REST_PATHS } from '../model/rest-paths.ts'
import type { ApiContext, App } from './context.ts'

/**
 * What pages ask for again and again, and what is the same for all who may ask. Not `/v1/cluster`: whether it holds the secret depends on who asks.
 */
const SHARED: ReadonlySet<string> = new Set([
  REST_PATHS.peers,
  REST_PATHS.stats,
  REST_PATHS.statsHistory,
  REST_PATHS.functions,
  REST_PATHS.invocations,
  REST_PATHS.alerts
])

/** Most answers that are kept, each to another question. The pages have fewer; when there would be more, all are dropped. */
const ANSWERS_MAX = 64

/** No older answer is given, whatever `max-age` allows: people would notice a page that is out of date for longer. */
const AGE_MS_MAX = 1_000

interface Answer {
  readonly atMs: number
  readonly body: Buffer
}

/**
 * Gives one answer to all who ask the same within the time that each of them allows by `cache-control: max-age=SECONDS`
 * (https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1.1): two hundred pages cost little more than one. Who allows none, as scripts do, gets an answer of
 * its own. A change through this peer makes all answers old.
 */
export function shareAnswers(app: App, { clock }: Pick<ApiContext, 'clock'>): void {
  const answers = new Map<string, Answer>()

  app.addHook('preHandler', async (request, reply) => {
    const answer = answers.get(keyOf(request))
    if (answer === undefined || clock.nowMs() - answer.atMs >= allowedMs(request)) return
    return await reply.type('application/json; charset=utf-8').send(answer.body)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || reply.statusCode !== 200 || allowedMs(request) === 0) return
    if (answers.size >= ANSWERS_MAX) answers.clear()
    answers.set(keyOf(request), { atMs: clock.nowMs(), body: Buffer.from(payload) })
  })
  app.addHook('onResponse', async ({ method }) => {
    if (method !== 'GET' && method !== 'HEAD') answers.clear()
  })
}

/** The host is part of the key: answers hold URLs of functions under the name by which the client asked. */
function keyOf({ url, headers }: FastifyRequest): string {
  return `${headers.host} ${url}`
}

function allowedMs({ method, headers, routeOptions }: FastifyRequest): number {
  if (method !== 'GET' || !SHARED.has(routeOptions.url ?? '')) return 0
  const [, seconds = '0'] = /^max-age=(\d{1,6})$/.exec(headers['cache-control'] ?? '') ?? []
  return Math.min(AGE_MS_MAX, Number(seconds) * 1_000)
}
