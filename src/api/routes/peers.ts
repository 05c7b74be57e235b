import { z } from 'zod'
import { drainResultSchema, peerListSchema, peerSchema, removePeerResultSchema } from '../../model/rest.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { flag, pathPart } from '../queries.ts'
import { peerView } from '../views/peer-view.ts'
import { documented } from './documented.ts'

const removeQuery = z.strictObject({ force: flag.optional().describe('even if it is not gone; it comes back by itself if it runs on') })
const params = z.object({ id: pathPart.describe('peer id, a unique prefix of it, or a name') })

/** Peers, and whether they take work. */
export function peerRoutes(app: App, { service }: ApiContext): void {
  const { profile } = service

  app.get(REST_PATHS.peers, { schema: documented('peers', 'List the peers', { 200: peerListSchema }) }, async () => ({
    items: service.peers().map(peerView),
    view: { peer: profile.id, name: profile.name }
  }))

  app.get(REST_PATHS.peer, { schema: { ...documented('peers', 'Read a peer', { 200: peerSchema }), params } }, async request =>
    peerView(service.peer(request.params.id))
  )

  app.delete(
    REST_PATHS.peer,
    {
      schema: {
        ...documented('peers', 'Remove a peer that is gone from the cluster for good', { 200: removePeerResultSchema }),
        description:
          'Without this, a peer that is gone is let go after 24 hours. It loses its membership, and its vote if it has one; should it come back, it joins again. One that is alive is refused (`conflict`): it leaves by `POST /v1/leave` at its own API.',
        params,
        querystring: removeQuery
      }
    },
    async (request, reply) =>
      service.removePeer(request.params.id, { force: request.query.force ?? false, signal: callerGone(reply.raw).signal })
  )

  for (const draining of [true, false]) {
    const summary = draining ? 'Give a peer no new work' : 'Give a peer work again'
    app.post(
      draining ? REST_PATHS.drain : REST_PATHS.resume,
      { schema: { ...documented('peers', summary, { 200: drainResultSchema }), params } },
      async (request, reply) => {
        const { id, name } = service.peer(request.params.id).profile
        await service.setDraining(id, draining, { signal: callerGone(reply.raw).signal })
        return { id, name, draining }
      }
    )
  }
}
