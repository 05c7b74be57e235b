import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { agreedStrategySchema } from '../../model/function-request.ts'
import type { AgreedStrategy } from '../../model/placement.ts'
import {
  checkListSchema,
  clusterSchema,
  leaveResultSchema,
  pruneResultSchema,
  type StrategyItem,
  strategySchema
} from '../../model/rest.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { flag } from '../queries.ts'
import { clusterView } from '../views/cluster-view.ts'
import { peerNames } from '../views/names.ts'
import { documented } from './documented.ts'

const pruneQuery = z.strictObject({ dryRun: flag.optional().describe('say what would be removed, and remove nothing') })

/** The cluster as a whole, and this peer's own upkeep. */
export function clusterRoutes(app: App, { service, access }: ApiContext): void {
  app.get(
    REST_PATHS.cluster,
    {
      schema: {
        ...documented('cluster', 'How the cluster stands', { 200: clusterSchema }),
        description: 'The secret in the id is shown to callers on the same machine, and to those with a token.'
      }
    },
    async request => clusterView(service.cluster(), { name: peerNames(service), showSecret: access.trusts(request.raw) })
  )

  app.get(
    REST_PATHS.strategy,
    { schema: documented('cluster', 'Which strategy places calls', { 200: strategySchema }) },
    async () => service.cluster().strategy
  )

  const agree = async (strategy: AgreedStrategy | null, reply: FastifyReply): Promise<StrategyItem> => {
    await service.setStrategy(strategy, { signal: callerGone(reply.raw).signal })
    return service.cluster().strategy
  }

  app.put(
    REST_PATHS.strategy,
    {
      schema: {
        ...documented('cluster', 'Choose workers by this strategy, for functions that leave it open', { 200: strategySchema }),
        body: agreedStrategySchema
      }
    },
    async (request, reply) => agree(request.body, reply)
  )

  app.delete(
    REST_PATHS.strategy,
    { schema: documented('cluster', 'Let each peer place by the strategy that it was started with', { 200: strategySchema }) },
    async (_, reply) => agree(null, reply)
  )

  app.post(
    REST_PATHS.leave,
    { schema: documented('cluster', 'This peer leaves the cluster for good', { 200: leaveResultSchema }) },
    async (_, reply) => {
      await service.leave({ signal: callerGone(reply.raw).signal })
      return { left: true as const }
    }
  )

  app.post(
    REST_PATHS.prune,
    {
      schema: {
        ...documented('cluster', 'Remove containers that nothing uses any more', { 200: pruneResultSchema }),
        querystring: pruneQuery
      }
    },
    async (request, reply) => {
      const { dryRun = false } = request.query
      const items = await service.prune({ dryRun, signal: callerGone(reply.raw).signal })
      return { dryRun, items: [...items] }
    }
  )

  app.get(
    REST_PATHS.checks,
    { schema: documented('observe', 'What must hold for this peer to work well', { 200: checkListSchema }) },
    async (_, reply) => {
      const items = await service.checks({ signal: callerGone(reply.raw).signal })
      return { ok: items.every(({ ok }) => ok), items: [...items] }
    }
  )
}
