import { z } from 'zod'
import { HISTORY } from '../../model/history.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { alertListSchema, statsHistorySchema } from '../../model/rest-telemetry.ts'
import { statsSchema } from '../../model/rest.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { duration } from '../queries.ts'
import { historyView } from '../views/history-view.ts'
import { peerNames } from '../views/names.ts'
import { statsView } from '../views/stats-view.ts'
import { documented } from './documented.ts'

const SINCE_DEFAULT_MS = 15 * 60_000
const SINCE_MAX_MS = HISTORY.coarse.stepMs * HISTORY.coarse.steps

const names = z.union([z.string().max(256), z.array(z.string().max(256)).max(256)])

const historyQuery = z.strictObject({
  since: duration(SINCE_MAX_MS)
    .optional()
    .describe('how far back, such as `30m`: up to an hour in steps of 5 s, up to a day in minutes; 15m if absent'),
  peer: names.optional().describe('only these peers (a name, an id, or the beginning of one); may repeat; `none` for no peer'),
  function: names.optional().describe('only these functions; may repeat; `none` for no function')
})

/** The numbers of all peers, now and lately. */
export function statsRoutes(app: App, { service, clock }: ApiContext): void {
  app.get(REST_PATHS.stats, { schema: documented('peers', 'Numbers of all peers', { 200: statsSchema }) }, async () =>
    statsView(service.peers(), { at: clock.timestamp(), view: service.profile, counters: service.counters() })
  )

  app.get(
    REST_PATHS.statsHistory,
    {
      schema: {
        ...documented('peers', 'Numbers of all peers over time', { 200: statsHistorySchema }),
        description: [
          'Every list has `steps` numbers, oldest first; the last step ended at `at`. What peers used is what the peer that is asked has heard of them,',
          'for as long as it lives. Calls of functions are those of the whole cluster: each peer is asked for the calls through it, at most once a step,',
          'and one that does not answer within a second is named in `missing`. Peers count steps from their own start: a call may be told one step off.'
        ].join(' '),
        querystring: historyQuery
      }
    },
    async (request, reply) => {
      const { since = SINCE_DEFAULT_MS, peer, function: name } = request.query
      const wanted = { peers: chosen(peer)?.map(one => service.peer(one).profile.id), functions: chosen(name) }
      const at = clock.timestamp()
      const { signal } = callerGone(reply.raw)
      const history = await service.history({ sinceMs: since, functions: wanted.functions?.length !== 0 }, { signal })
      return historyView(history, { ...wanted, at, view: service.profile, named: peerNames(service) })
    }
  )
}

/** What is wrong in the cluster, and by which rules. */
export function alertRoutes(app: App, { service }: ApiContext): void {
  app.get(REST_PATHS.alerts, { schema: documented('observe', 'What is wrong, and was lately', { 200: alertListSchema }) }, async () => {
    const { raised, recent, rules, webhook } = service.alerts()
    return { items: [...raised], recent: [...recent], rules: [...rules], webhook }
  })
}

function chosen(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : [value].flat().filter(one => one !== 'none')
}
