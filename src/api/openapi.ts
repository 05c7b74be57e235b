import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ERROR_CODES, type ErrorCode } from '../model/errors.ts'
import { REST_PATHS } from '../model/rest-paths.ts'
import type { App } from './context.ts'
import { HTTP_STATUS } from './errors.ts'
import { REST_SCHEMAS } from './rest-schemas.ts'
import type { Tag } from './routes/documented.ts'

/** In the order of the page. */
const TAGS: Readonly<Record<Tag, string>> = {
  calls: 'calling functions',
  functions: 'what can be called',
  invocations: 'what was called',
  tasks: 'durable tasks and services',
  peers: 'where it runs',
  cluster: 'the peers together',
  observe: 'probes, metrics, events and logs'
}

type TransformedRoute = ReturnType<ReturnType<typeof createJsonSchemaTransform>>

/** Serves the description of this API, made from the schemas of its routes, as OpenAPI 3.1 and as a page. Register before the routes. */
export function describeApi(app: App, { version }: { version: string }): void {
  const schemaRegistry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(REST_SCHEMAS)) schemaRegistry.add(schema, { id })
  const transform = createJsonSchemaTransform({ schemaRegistry })
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'CARES', version, description: description() },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{}, { token: [] }]
    },
    transform: document => withRestNamed(transform(document)),
    transformObject: createJsonSchemaTransformObject({ schemaRegistry })
  })
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    // Peers serve plain HTTP: a page that asks for its parts by HTTPS would stay empty.
    transformStaticCSP: policy => policy.replace(/ *upgrade-insecure-requests;?/, ''),
    // The page must not send this description to a validator outside.
    uiConfig: { validatorUrl: null }
  })
  app.get(REST_PATHS.openapi, { schema: { hide: true } }, () => app.swagger())
}

/** A path that goes on as it likes: the router calls the rest `*`, and OpenAPI wants a name for it. */
function withRestNamed({ schema, url }: TransformedRoute): TransformedRoute {
  if (!url.endsWith('/*') || schema.params === undefined) return { schema, url }
  const params = JSON.parse(JSON.stringify(schema.params).replaceAll('"*"', '"path"')) as typeof schema.params
  return { schema: { ...schema, params }, url: url.replace(/\*$/, ':path') }
}

function description(): string {
  const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).toSorted((a, b) => HTTP_STATUS[a] - HTTP_STATUS[b])
  return [
    'One peer of a CARES cluster. Every peer serves the same API and answers for the whole cluster.',
    'Sizes are bytes, durations end in `Ms`, times are RFC 3339. Fields are only ever added; unknown fields in a request are refused.',
    'Reads of functions, tasks and the strategy hold all that was acknowledged before, through whichever peer. Where that cannot be confirmed, the answer has `x-cares-stale-ms`: for how long no orchestrator was heard. `cache-control: max-age=SECONDS` allows an old answer.',
    'A `{path}` may hold slashes, which are sent as they are.',
    'Errors are `application/problem+json` (RFC 9457) with one of these codes:',
    [
      '| code | status | meaning |',
      '| --- | --- | --- |',
      ...codes.map(code => `| \`${code}\` | ${HTTP_STATUS[code]} | ${ERROR_CODES[code]} |`)
    ].join('\n')
  ].join('\n\n')
}
