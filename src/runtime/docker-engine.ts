import Docker from 'dockerode'
import { CaresError } from '../model/errors.ts'
import type { DockerHost } from './docker-errors.ts'
import type { WatchdogEngine } from './watchdog-process.ts'

/** Where an engine answers unless told otherwise. */
export const DOCKER_HOST_DEFAULT: DockerHost = 'unix:///var/run/docker.sock'

/** How the watchdog of tasks reaches the engine at `host`. */
export function watchdogEngine(host: DockerHost): WatchdogEngine {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const { hostname, port } = new URL(host)
  return { host: hostname, port: Number(port || 2375) }
}

/** A client of the engine at `host`. Nothing is taken from the environment. Throws `invalid` for an address that is neither unix nor tcp. */
export function dockerEngine(host: DockerHost): Docker {
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length), host: undefined, port: undefined })
  const url = URL.canParse(host) ? new URL(host) : undefined
  if (url?.protocol !== 'tcp:' && url?.protocol !== 'http:') {
    throw new CaresError('invalid', `not the address of a Docker engine: ${JSON.stringify(host)}`, {
      hint: `write ${DOCKER_HOST_DEFAULT} or tcp://HOST:2375`
    })
  }
  return new Docker({ host: url.hostname, port: Number(url.port || 2375), protocol: 'http', socketPath: undefined })
}
