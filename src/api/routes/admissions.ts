import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { AdmissionOutcome, AdmissionRecord } from '../../model/admission.ts'
import {
  type Admission,
  admissionListSchema,
  admissionOutcomeSchema,
  admissionRequestSchema,
  admissionSchema
} from '../../model/rest-admissions.ts'
import { REST_PATHS, restPath } from '../../model/rest-paths.ts'
import type { PeerService } from '../../model/service.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { duration, pathPart, WAIT_MS_MAX } from '../queries.ts'
import { peerNames } from '../views/names.ts'
import { documented } from './documented.ts'

/** How often what waits is looked at for one that waits for it; the orchestrator decides twice a second. */
const LOOK_MS = 500

const params = z.object({ id: pathPart })
const waitQuery = z.strictObject({ wait: duration(WAIT_MS_MAX).optional().describe('answer when it waits no more, or after so long: 30s') })

/** Admissions: room for work that runs outside CARES. */
export function admissionRoutes(app: App, context: ApiContext): void {
  const { service, clock } = context
  const signalOf = (reply: FastifyReply): AbortSignal => AbortSignal.any([callerGone(reply.raw).signal, context.aborting])

  app.get(
    REST_PATHS.admissions,
    { schema: documented('invocations', 'List the newest admissions', { 200: admissionListSchema }) },
    async (_, reply) => ({
      items: (await service.admissions({ signal: signalOf(reply) })).map(record => view(service, record))
    })
  )

  app.post(
    REST_PATHS.admissions,
    {
      schema: {
        ...documented('invocations', 'Ask for room for work outside CARES', { 201: admissionSchema, 202: admissionSchema }),
        body: admissionRequestSchema
      }
    },
    async (request, reply) => {
      const record = await service.admit(request.body, { signal: signalOf(reply) })
      void reply.status(record.state === 'approved' ? 201 : 202).header('location', restPath(REST_PATHS.admission, { id: record.id }))
      return view(service, record)
    }
  )

  app.get(
    REST_PATHS.admission,
    {
      schema: {
        ...documented('invocations', 'Read an admission, or wait until it is approved', { 200: admissionSchema }),
        params,
        querystring: waitQuery
      }
    },
    async (request, reply) => {
      const signal = signalOf(reply)
      const { id } = request.params
      const untilMs = clock.nowMs() + (request.query.wait ?? 0)
      let record = await service.admission(id, { signal })
      while (record.state === 'queued' && clock.nowMs() < untilMs && !context.stopping.aborted) {
        await clock.sleep(Math.min(LOOK_MS, untilMs - clock.nowMs()), { signal })
        record = await service.admission(id, { signal })
      }
      return view(service, record)
    }
  )

  app.post(
    REST_PATHS.admissionComplete,
    {
      schema: {
        ...documented('invocations', 'Say that the work has ended, and what it took', { 200: admissionSchema }),
        params,
        body: admissionOutcomeSchema.nullish()
      }
    },
    async (request, reply) => {
      const outcome: AdmissionOutcome = request.body ?? {}
      return view(service, await service.completeAdmission(request.params.id, outcome, { signal: signalOf(reply) }))
    }
  )
}

function view(service: PeerService, { peer, ...record }: AdmissionRecord): Admission {
  const { params: declared, predicted, ...rest } = record
  return {
    ...rest,
    ...(declared === undefined ? {} : { params: declared }),
    predicted: { ...predicted },
    peer: peer === null ? null : peerNames(service)(peer)
  }
}
