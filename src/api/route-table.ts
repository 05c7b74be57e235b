import type { RouteOptions } from 'fastify'
import type { App } from './context.ts'

/** Which methods a path takes: what a 405 must say (RFC 9110, 15.5.6), and Fastify does not know. */
export interface RouteTable {
  /** The methods of all routes that fit the target; empty when there is none. */
  methodsFor(target: string): readonly string[]
}

/** Collects the routes that are registered from now on. */
export function collectRoutes(app: App): RouteTable {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }: RouteOptions) => {
    routes.push({ pattern: patternOf(url), methods: [method].flat() })
  })
  return {
    methodsFor: target => {
      const path = target.split(/[?#]/, 1)[0] ?? ''
      const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap(route => route.methods)
      return [...new Set(methods)].sort()
    }
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[A-Za-z]+/g, '[^/]+')
    .replace(/\*/g, '.*')
  return new RegExp(`^${source}$`)
}
