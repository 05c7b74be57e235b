import { aliveSchema, readySchema, versionSchema } from '../../model/rest.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import type { ApiContext, App } from '../context.ts'
import { documented, documentedText } from './documented.ts'

/** What monitoring asks, most of it without a token. */
export function probeRoutes(app: App, { service, metrics }: ApiContext): void {
  const config = { budget: 'free', public: true } as const

  app.get(REST_PATHS.healthz, { config, schema: documented('observe', 'Whether the process answers', { 200: aliveSchema }) }, async () => ({
    status: 'ok' as const
  }))

  const ready = documented('observe', 'Whether this peer can answer function calls', { 200: readySchema, 503: readySchema })
  app.get(REST_PATHS.readyz, { config, schema: ready }, async (_, reply) => {
    const state = service.ready()
    return await reply.status(state.ready ? 200 : 503).send(state)
  })

  app.get(REST_PATHS.version, { config, schema: documented('observe', 'Who answers here', { 200: versionSchema }) }, async () => {
    const { id, name, version } = service.profile
    return { name: 'cares' as const, version, node: process.version, peer: { id, name } }
  })

  app.get(
    REST_PATHS.metrics,
    {
      config: { budget: 'free' },
      schema: documentedText('observe', 'Metrics for Prometheus', 'text/plain', 'the Prometheus text format, 0.0.4')
    },
    async (_, reply) => {
      const { contentType, body } = await metrics.text()
      return await reply.type(contentType).send(body)
    }
  )
}
