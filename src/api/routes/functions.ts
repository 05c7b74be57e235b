import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { CaresError } from '../../model/errors.ts'
import { PULL_POLICIES } from '../../model/function.ts'
import { functionRequestSchema, parseFunctionRequest } from '../../model/function-request.ts'
import { functionListSchema, functionSchema, type PutResultBody, putResultSchema, removeResultSchema } from '../../model/rest.ts'
import { REST_PATHS, restPath } from '../../model/rest-paths.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { originOf } from '../origin.ts'
import { flag, pathPart, whole } from '../queries.ts'
import { uploadWarnings } from '../views/upload-warnings.ts'
import { functionView } from '../views/function-view.ts'
import { documented } from './documented.ts'

const params = z.object({ name: pathPart })
const revisionQuery = { ifRevision: whole.optional().describe('refuse unless it has this revision; 0: unless it does not exist') }
const putQuery = z.strictObject({
  ...revisionQuery,
  dryRun: flag.optional().describe('say what would happen, and change nothing'),
  pull: z.enum(PULL_POLICIES).optional().describe('whether the image may or must come from its registry')
})
const removeQuery = z.strictObject(revisionQuery)

/** A body of `PUT`: the name may be left to the path. */
const namedByPath = functionRequestSchema.partial({ name: true })

/** Functions: list, read, create or change, remove. Revisions are the entity tags: `ETag: "3"`, `If-Match: "3"`, `If-None-Match: *`. */
export function functionRoutes(app: App, context: ApiContext): void {
  const { service } = context

  app.get(REST_PATHS.functions, { schema: documented('functions', 'List the functions', { 200: functionListSchema }) }, async request => {
    const origin = originOf(request, context.url())
    return { items: service.functions().map(record => functionView(record, origin)) }
  })

  app.get(
    REST_PATHS.function,
    { schema: { ...documented('functions', 'Read a function', { 200: functionSchema }), params } },
    async (request, reply) => {
      const record = service.function(request.params.name)
      void reply.header('etag', `"${record.revision}"`)
      return functionView(record, originOf(request, context.url()))
    }
  )

  app.post(
    REST_PATHS.functions,
    {
      schema: {
        ...documented('functions', 'Create or change a function', { 200: putResultSchema, 201: putResultSchema }),
        body: functionRequestSchema,
        querystring: putQuery
      }
    },
    async (request, reply) => await put(context, request, reply, request.body, request.query)
  )

  app.put(
    REST_PATHS.function,
    {
      schema: {
        ...documented('functions', 'Create or change the function of this name', { 200: putResultSchema, 201: putResultSchema }),
        params,
        body: namedByPath,
        querystring: putQuery
      }
    },
    async (request, reply) => {
      const { name = request.params.name } = request.body
      if (name !== request.params.name) throw new CaresError('invalid', 'the name in the body is not the one in the path')
      return await put(context, request, reply, { ...request.body, name }, request.query)
    }
  )

  app.delete(
    REST_PATHS.function,
    { schema: { ...documented('functions', 'Remove a function', { 200: removeResultSchema }), params, querystring: removeQuery } },
    async (request, reply) => {
      const { name } = request.params
      const ifRevision = expectedRevision(context, request, name, request.query.ifRevision)
      const { revision } = await service.removeFunction(name, { ifRevision, signal: callerGone(reply.raw).signal })
      return { name, revision }
    }
  )
}

async function put(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  body: unknown,
  { ifRevision, dryRun = false, pull }: z.output<typeof putQuery>
): Promise<PutResultBody> {
  // The name of a PUT comes from its path and has not been checked yet.
  const wanted = parseFunctionRequest(body)
  const {
    result,
    function: record,
    because
  } = await context.service.putFunction(wanted, {
    ifRevision: expectedRevision(context, request, wanted.name, ifRevision),
    pull,
    dryRun,
    signal: callerGone(reply.raw).signal
  })
  if (!dryRun) {
    const location = restPath(REST_PATHS.function, { name: record.name })
    void reply.status(result === 'created' ? 201 : 200).headers({ etag: `"${record.revision}"`, location })
  }
  const warnings = [...uploadWarnings(record, context.service.peers())]
  return { result, dryRun, because, warnings, function: functionView(record, originOf(request, context.url())) }
}

/** The revision that the client expects, from wherever it says so. */
function expectedRevision(
  { service }: ApiContext,
  { headers }: FastifyRequest,
  name: string,
  fromQuery: number | undefined
): number | undefined {
  const fromHeader = headerRevision(headers['if-match'], headers['if-none-match'], () => service.function(name).revision)
  if (fromHeader !== undefined && fromQuery !== undefined && fromHeader !== fromQuery) {
    throw new CaresError('invalid', 'the query and the header expect different revisions', { hint: 'send ?ifRevision or If-Match' })
  }
  return fromQuery ?? fromHeader
}

function headerRevision(ifMatch: string | undefined, ifNoneMatch: string | undefined, current: () => number): number | undefined {
  if (ifNoneMatch === '*') return 0
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  if (ifMatch === '*') return current()
  const tag = /^(?:W\/)?"?(\d{1,15})"?$/.exec(ifMatch ?? '')?.[1]
  if (tag === undefined) {
    throw new CaresError('invalid', 'the header does not name a revision', { hint: 'send If-Match: "3", or If-None-Match: *' })
  }
  return Number(tag)
}
