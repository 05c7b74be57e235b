import { z } from 'zod'
import { defined } from './defined.ts'
import { CaresError } from './errors.ts'
import { askedPlacementSchema, FUNCTION_DEFAULTS, functionRequestSchema, placementPolicySchema } from './function-request.ts'
import type { FunctionRecord } from './function.ts'
import { narrowedPolicy } from './narrowed-policy.ts'
import type { ImageInfo } from './ports/runtime.ts'
import type { ServiceSpec, TaskSpec } from './task.ts'
import type { ServiceRequest, TaskRequest } from './task-service.ts'
import { formatBytes, formatDurationMs } from './units.ts'
import { parseWith } from './validation.ts'

/** What may be asked for, where a task differs from a function. */
export const TASK_LIMITS = {
  nameCharactersMax: 63,
  argsMax: 256,
  /** Of all arguments together: they travel in the log and in every order. */
  argsBytesMax: 16_384,
  /** An input or an output up to here is in the log itself. Larger ones would make every peer keep, and every new peer fetch, what few will read. */
  inlineBytesMax: 65_536,
  /** The largest: a minute over a slow link. What is larger belongs into a store of its own, and its address into the task. */
  payloadBytesMax: 67_108_864,
  attemptsMax: 100,
  /** Below are the ports of well-known services: the machine's own, and a peer need not be root. */
  publishMin: 1_024,
  /** A week: what takes longer should write down how far it has come, and be a task again. */
  timeoutMsMax: 7 * 86_400_000
} as const

/** What a task gets that does not say. */
const TASK_DEFAULTS = {
  /** Long enough for most jobs, and an end for one that hangs. */
  timeoutMs: 3_600_000,
  /** A worker may be lost once, and a service be down once. */
  attempts: 3
} as const

const { image, env, network, cpus, memoryBytes, readyPath } = functionRequestSchema.shape

const PORT_MAX = 65_535
const port = z.int().min(1).max(PORT_MAX)

const serviceSchema = z.strictObject({
  publish: z.int().min(TASK_LIMITS.publishMin).max(PORT_MAX).exactOptional().describe('port on which every peer takes connections for it'),
  port: port.exactOptional().describe('where its program listens; absent: as its image says, else the published port'),
  health: readyPath.unwrap().exactOptional().describe('path that must answer below 400 over HTTP')
})

const args = z
  .array(z.string().refine(value => !value.includes('\0'), 'must not contain NUL'))
  .max(TASK_LIMITS.argsMax)
  .refine(
    values => values.reduce((bytes, value) => bytes + Buffer.byteLength(value), 0) <= TASK_LIMITS.argsBytesMax,
    `must be at most ${formatBytes(TASK_LIMITS.argsBytesMax)} together`
  )

/** What a service cannot have, and why. */
const NOT_FOR_SERVICES = {
  function: 'a service runs an image: a function is kept ready by itself',
  timeoutMs: 'a service has no end of its own, and so no time for it',
  attempts: 'a service is started again as often as it takes'
} as const

/** The body of `POST /v1/tasks` and one document of `cares run -f`: an image or a function, and what differs from the defaults. */
export const taskRequestSchema = z
  .strictObject({
    image: image.exactOptional(),
    function: functionRequestSchema.shape.name.exactOptional(),
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, dots, dashes and underscores, and start with a letter or digit')
      .max(TASK_LIMITS.nameCharactersMax)
      .exactOptional(),
    args: args.exactOptional(),
    env,
    network,
    cpus,
    memoryBytes,
    timeoutMs: z
      .int()
      .min(1, 'must be at least 1ms')
      .max(TASK_LIMITS.timeoutMsMax, `must be at most ${formatDurationMs(TASK_LIMITS.timeoutMsMax)}`)
      .exactOptional(),
    placement: askedPlacementSchema.exactOptional(),
    attempts: z.int().min(1).max(TASK_LIMITS.attemptsMax).exactOptional(),
    service: serviceSchema.exactOptional().describe('makes it a service, which has no end of its own')
  })
  .refine(value => (value.image === undefined) !== (value.function === undefined), 'needs either an image or a function')
  .superRefine((value, context) => {
    if (value.service === undefined) return
    const unfit = (['function', 'timeoutMs', 'attempts'] as const).find(field => value[field] !== undefined)
    if (unfit !== undefined) context.addIssue({ code: 'custom', path: [unfit], message: NOT_FOR_SERVICES[unfit] })
  })

/** `value` as a request, or a CaresError `invalid` whose `details.issues` name every field that is wrong. */
export function parseTaskRequest(value: unknown): TaskRequest {
  return parseWith(taskRequestSchema, value, 'task')
}

/** The spec of a request for an image. */
export function specOfImage(
  request: TaskRequest,
  { image: reference, digest, bytes, arch, ...traits }: Pick<ImageInfo, 'image' | 'digest' | 'bytes' | 'arch'> & Partial<ServiceTraits>
): TaskSpec {
  return {
    name: request.name ?? nameOf(reference),
    image: reference,
    digest,
    imageBytes: bytes,
    ...(arch === undefined ? {} : { arch }),
    args: request.args ?? [],
    env: request.env ?? {},
    network: request.network ?? FUNCTION_DEFAULTS.network,
    cpus: request.cpus ?? FUNCTION_DEFAULTS.cpus,
    memoryBytes: request.memoryBytes ?? FUNCTION_DEFAULTS.memoryBytes,
    ...(request.placement === undefined ? {} : { placement: request.placement }),
    ...(request.service === undefined
      ? { timeoutMs: request.timeoutMs ?? TASK_DEFAULTS.timeoutMs, attemptsMax: request.attempts ?? TASK_DEFAULTS.attempts }
      : { timeoutMs: TASK_LIMITS.timeoutMsMax, attemptsMax: TASK_LIMITS.attemptsMax, service: serviceOf(request.service, traits) })
  }
}

/** What an image says of how it is reached. */
type ServiceTraits = Pick<ImageInfo, 'port' | 'readyPath'>

/** Whether somebody connects to a service, so that it is given a port. */
export function isReached({ publish, port: inside, health }: ServiceRequest): boolean {
  return publish !== undefined || inside !== undefined || health !== undefined
}

function serviceOf(asked: ServiceRequest, traits: Partial<ServiceTraits>): ServiceSpec {
  if (!isReached(asked)) return {}
  const { publish, health = traits.readyPath } = asked
  const inside = asked.port ?? (traits.port || publish)
  return defined({ publish, port: inside, health })
}

/** The spec of a request for a function: as the function is now, with what the request says on top. Throws `invalid` for one that serves HTTP. */
export function specOfFunction(request: TaskRequest, fn: FunctionRecord): TaskSpec {
  if (fn.contract !== 'stdio') {
    throw new CaresError('invalid', `${fn.name} serves HTTP: a task runs a program from its start to its end`, {
      hint: `call it: cares invoke ${fn.name}`
    })
  }
  const { image: reference, digest, imageBytes: bytes, arch, network: reach, cpus: cores, memoryBytes: memory, timeoutMs } = fn
  const placement = narrowedPolicy(fn.placement, request.placement)
  const own = {
    name: fn.name,
    network: reach,
    cpus: cores,
    memoryBytes: memory,
    timeoutMs,
    ...request,
    ...(placement === undefined ? {} : { placement: parseWith(placementPolicySchema, placement, 'task') }),
    env: { ...fn.env, ...request.env }
  }
  return { ...specOfImage(own, { image: reference, digest, bytes, arch }), function: fn.name }
}

/** `registry.example/acme/report:1.4@sha256:…` → `report`; `/usr/bin/env x` → `env`. Whatever does not fit a name is left out. */
function nameOf(reference: string): string {
  const [first = ''] = reference.split(' ')
  const base = (first.split('@')[0] ?? '').split('/').at(-1) ?? ''
  const name = (base.split(':')[0] ?? '').replace(/[^A-Za-z0-9._-]/g, '').replace(/^[^A-Za-z0-9]+/, '')
  return name.slice(0, TASK_LIMITS.nameCharactersMax) || 'task'
}
