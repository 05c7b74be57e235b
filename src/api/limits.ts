import type { FastifyRequest } from 'fastify'
import type { ServerResponse } from 'node:http'
import { CaresError } from '../model/errors.ts'

/** What a request counts against. `free` is for probes, which must be answered above all when the peer is busy. */
export type Budget = 'calls' | 'requests' | 'streams' | 'free'

/** How many of each may be in progress at once. */
export type BudgetLimits = Readonly<Record<Exclude<Budget, 'free'>, number>>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** @default requests */
    budget?: Budget
    /** No token is needed. */
    public?: boolean
  }
}

const NAMES: Readonly<Record<Exclude<Budget, 'free'>, string>> = {
  calls: 'function calls',
  requests: 'requests',
  streams: 'event and log streams'
}

/** Counts requests in progress, so that calls cannot crowd out the questions of the one who wants to know why it is slow. */
export function createLimits(limits: BudgetLimits): { take(request: FastifyRequest, response: ServerResponse): void } {
  const inProgress = { calls: 0, requests: 0, streams: 0 }
  return {
    take: (request, response) => {
      const budget = request.routeOptions.config.budget ?? 'requests'
      if (budget === 'free') return
      if (inProgress[budget] >= limits[budget]) {
        throw new CaresError('overloaded', `this peer serves ${limits[budget]} ${NAMES[budget]} at once, and no more`, {
          retryable: true,
          hint: 'try again, or ask another peer',
          details: { retryAfterMs: 1_000 }
        })
      }
      inProgress[budget]++
      response.once('close', () => {
        inProgress[budget]--
      })
    }
  }
}
