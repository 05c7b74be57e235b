import { z } from 'zod'
import { defined } from '../../model/defined.ts'
import { CaresError } from '../../model/errors.ts'
import { callPolicySchema } from '../../model/function-request.ts'
import type { CallPolicy } from '../../model/function.ts'
import { parseWith } from '../../model/validation.ts'
import { COST_KEYS, type CostKey } from '../../model/costs.ts'
import { costListSchema } from '../../model/rest-costs.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { paramsSchema } from '../../model/rest-admissions.ts'
import { quoteSchema } from '../../model/rest-quote.ts'
import { labelsOf, usdOf } from '../call-policy.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { pathPart, whole } from '../queries.ts'
import { bodyTooLarge } from '../request-body.ts'
import { costCsv, costView } from '../views/cost-view.ts'
import { peerNames } from '../views/names.ts'
import { quoteView } from '../views/quote-view.ts'
import { documented } from './documented.ts'

const quoteQuery = z.strictObject({
  inputBytes: whole.optional().describe('size of the body; 0 if absent'),
  params: paramsSchema.optional().describe('declared parameters, as `x-cares-params` would say them'),
  objective: callPolicySchema.shape.objective.describe('as `x-cares-objective` would say it'),
  maxCostUsd: z.string().max(32).optional().describe('as `x-cares-max-cost` would say it'),
  require: z.string().max(4_096).optional().describe('as `x-cares-require` would say it: `zone=eu,gpu`')
})
const costsQuery = z.strictObject({
  by: z
    .string()
    .max(64)
    .optional()
    .describe(`what to tell apart, of ${COST_KEYS.join(', ')}; \`function\` if absent`),
  format: z.enum(['json', 'csv']).optional()
})

/** What calls would cost, and what calls and tasks have cost. */
export function economyRoutes(app: App, { service, bodyBytesMax }: ApiContext): void {
  app.get(
    REST_PATHS.quote,
    {
      schema: {
        ...documented('functions', 'What a call would take and cost', { 200: quoteSchema }),
        params: z.object({ name: pathPart }),
        querystring: quoteQuery
      }
    },
    async request => {
      const { inputBytes = 0, params, ...policy } = request.query
      const asked = askedOf(policy)
      if (inputBytes > bodyBytesMax) throw bodyTooLarge(bodyBytesMax, 'a call with so large a body would be refused, too')
      const quoted = service.quote(request.params.name, {
        inputBytes,
        ...defined({ params, asked })
      })
      const profiles = new Map<string, ReturnType<typeof service.peer>['profile']>(
        service.peers().map(({ profile }) => [profile.id, profile])
      )
      return quoteView(quoted, { name: peerNames(service), profileOf: id => profiles.get(id) })
    }
  )

  app.get(
    REST_PATHS.costs,
    { schema: { ...documented('observe', 'What calls and tasks have cost', { 200: costListSchema }), querystring: costsQuery } },
    async (request, reply) => {
      const { by = 'function', format = 'json' } = request.query
      const ledgers = await service.costs({ signal: callerGone(reply.raw).signal })
      const name = peerNames(service)
      const list = costView(ledgers, { by: keysOf(by), nameOf: peer => name(peer).name })
      if (format === 'json') return list
      return await reply
        .serializer(text => String(text))
        .type('text/csv; charset=utf-8')
        .send(costCsv(list) as never)
    }
  )
}

/** What a call would ask of its placement. Absent: nothing. */
function askedOf({ objective, maxCostUsd, require }: Omit<z.output<typeof quoteQuery>, 'inputBytes' | 'params'>): CallPolicy | undefined {
  if (objective === undefined && maxCostUsd === undefined && require === undefined) return undefined
  return parseWith(
    callPolicySchema,
    {
      ...(objective === undefined ? {} : { objective }),
      ...(maxCostUsd === undefined ? {} : { maxCostUsd: usdOf(maxCostUsd, 'maxCostUsd') }),
      ...(require === undefined ? {} : { require: labelsOf(require) })
    },
    'query'
  )
}

function keysOf(by: string): readonly CostKey[] {
  return by.split(',').map(word => {
    const key = COST_KEYS.find(each => each === word)
    if (key === undefined)
      throw new CaresError('invalid', `costs are not told apart by ${JSON.stringify(word)}`, { hint: `known: ${COST_KEYS.join(', ')}` })
    return key
  })
}
