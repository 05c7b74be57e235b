import { CaresError } from '../model/errors.ts'
import type { Contract } from '../model/function.ts'
import type { ContractChoice } from '../model/ports/runtime.ts'

/** What an image says about itself, in the words of a Docker image's configuration. */
export interface ImageFacts {
  readonly image: string
  readonly labels: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** `NAME=value`. */
  readonly env: readonly string[]
  /** As in EXPOSE: `8080/tcp`. */
  readonly exposed: readonly string[]
  /** As in HEALTHCHECK: `['CMD-SHELL', 'curl -f http://localhost:8080/health']`. */
  readonly healthcheck: readonly string[]
}

/** What the user asked for, which is stronger than any evidence. */
export interface ContractWish {
  readonly contract?: 'auto' | Contract | undefined
  readonly port?: number | undefined
}

/** Where watchdogs, buildpacks and Cloud Run images serve by convention, and where CARES looks when nothing says otherwise. */
const HTTP_PORT_DEFAULT = 8080

/**
 * How to call an image: the first evidence wins, in the order wish, `io.cares.*` labels, known frameworks, EXPOSE, and `stdio` when there is none.
 * Throws `image_unsupported` for labels that make no sense and for several exposed ports among which 8080 is not.
 */
export function detectContract(facts: ImageFacts, wish: ContractWish = {}): ContractChoice {
  if (wish.contract === 'stdio') return { contract: 'stdio', port: 0, because: 'stdio, as asked for' }
  if (wish.port !== undefined)
    return withReadiness(facts, { contract: 'http', port: wish.port, because: `port ${wish.port}, as asked for` })
  const found = fromLabels(facts) ?? fromFramework(facts)
  if (wish.contract !== 'http') return found ?? withReadiness(facts, fromExpose(facts))
  if (found?.contract === 'http') return found
  const exposed = fromExpose(facts)
  if (exposed.contract === 'http') return withReadiness(facts, exposed)
  return withReadiness(facts, {
    contract: 'http',
    port: HTTP_PORT_DEFAULT,
    because: `http, as asked for; port ${HTTP_PORT_DEFAULT} by default`
  })
}

function fromLabels(facts: ImageFacts): ContractChoice | undefined {
  const contract = facts.labels['io.cares.contract']
  const port = facts.labels['io.cares.port']
  const readyPath = facts.labels['io.cares.ready']
  if (contract === undefined && port === undefined) return undefined
  if (contract !== undefined && contract !== 'stdio' && contract !== 'http') throw badLabel(facts, 'io.cares.contract', 'stdio or http')
  if (contract === 'stdio') return { contract, port: 0, because: 'stdio from label io.cares.contract' }
  if (port === undefined) {
    const exposed = fromExpose(facts)
    const chosen = exposed.contract === 'http' ? exposed.port : HTTP_PORT_DEFAULT
    const because = `http from label io.cares.contract, ${exposed.contract === 'http' ? exposed.because : `port ${chosen} by default`}`
    return withReadiness(facts, { contract: 'http', port: chosen, readyPath, because })
  }
  const number = Number(port)
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw badLabel(facts, 'io.cares.port', 'a port from 1 to 65535')
  return withReadiness(facts, { contract: 'http', port: number, readyPath, because: `port ${number} from label io.cares.port` })
}

function badLabel(facts: ImageFacts, label: string, allowed: string): CaresError {
  return new CaresError('image_unsupported', `${facts.image}: label ${label} is ${JSON.stringify(facts.labels[label])}, not ${allowed}`, {
    hint: 'correct the label, or choose --contract and --port'
  })
}

/** Images whose base fixes how they serve: OpenFaaS watchdogs, AWS Lambda base images, buildpacks and Google's functions framework. */
function fromFramework(facts: ImageFacts): ContractChoice | undefined {
  const port = HTTP_PORT_DEFAULT
  const words = [...facts.entrypoint, ...facts.command]
  if (words.some(word => baseName(word) === 'fwatchdog')) {
    return { contract: 'http', port, because: `port ${port} from the OpenFaaS watchdog` }
  }
  if (words.includes('/lambda-entrypoint.sh') || hasEnv(facts, 'LAMBDA_TASK_ROOT')) {
    const because = `port ${port} from the AWS Lambda base image; call it at /2015-03-31/functions/function/invocations`
    return { contract: 'http', port, concurrency: 1, because }
  }
  if (hasEnv(facts, 'FUNCTION_TARGET'))
    return { contract: 'http', port, because: `port ${port} from FUNCTION_TARGET (functions framework)` }
  const buildpack = Object.keys(facts.labels).find(label => label.startsWith('io.buildpacks.'))
  if (buildpack !== undefined) return { contract: 'http', port, because: `port ${port} from label ${buildpack} (buildpack)` }
  return undefined
}

function fromExpose(facts: ImageFacts): ContractChoice {
  const ports = facts.exposed
    .filter(port => !port.includes('/') || port.endsWith('/tcp'))
    .map(port => Number.parseInt(port, 10))
    .sort((a, b) => a - b)
  const [first] = ports
  if (first === undefined) return { contract: 'stdio', port: 0, because: 'stdio, since the image exposes no TCP port' }
  if (ports.length === 1) return { contract: 'http', port: first, because: `port ${first} from EXPOSE` }
  if (ports.includes(HTTP_PORT_DEFAULT)) {
    return { contract: 'http', port: HTTP_PORT_DEFAULT, because: `port ${HTTP_PORT_DEFAULT}, one of ${ports.length} from EXPOSE` }
  }
  throw new CaresError('image_unsupported', `${facts.image} exposes several ports, and nothing says which one takes the calls`, {
    hint: `choose --port from ${ports.join(', ')}`,
    details: { ports }
  })
}

/**
 * A label says when the container is ready; else a HEALTHCHECK that asks the same port over HTTP does. One that asks in another way is run as it is; see
 * `docker-health.ts`.
 */
function withReadiness(facts: ImageFacts, choice: ContractChoice): ContractChoice {
  if (choice.contract === 'stdio') return choice
  const readyPath = choice.readyPath ?? facts.labels['io.cares.ready'] ?? healthPath(facts.healthcheck, choice.port)
  return readyPath === undefined ? { ...choice, readyPath: undefined } : { ...choice, readyPath }
}

/** An address of this machine, as health checks name it: with or without scheme, the port a number or `$PORT`. */
const HEALTH_URL =
  /(?<![\w.:/@-])(?:http:\/\/)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(?<port>\d+|\$PORT\b|\$\{PORT(?::?-[^}]*)?\}))?(?<path>\/[^\s"'|;)&]*)?(?=["'\s|;)&]|$)/

/** The path that a HEALTHCHECK asks for over HTTP at this port; undefined for one that asks elsewhere, by TLS, or in a way of its own. */
function healthPath(healthcheck: readonly string[], port: number): string | undefined {
  const match = HEALTH_URL.exec(healthcheck.join(' '))
  if (match === null) return undefined
  const { port: named = '80', path = '/' } = match.groups ?? {}
  // Containers are told their port in PORT.
  return named.startsWith('$') || Number(named) === port ? path : undefined
}

function hasEnv(facts: ImageFacts, name: string): boolean {
  return facts.env.some(line => line.startsWith(`${name}=`))
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
