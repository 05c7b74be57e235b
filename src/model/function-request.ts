import { z } from 'zod'
import { CONSTRAINTS_MAX, CONTRACTS, type FunctionSpec, NETWORK_POLICIES } from './function.ts'
import { GPU_LABEL } from './labels.ts'
import { type AgreedStrategy, OBJECTIVES, STRATEGY_NAMES } from './placement.ts'
import type { ImageInfo } from './ports/runtime.ts'
import type { FunctionRequest } from './service.ts'
import { defined } from './defined.ts'
import { CaresError } from './errors.ts'
import { formatBytes, formatDurationMs } from './units.ts'
import { parseWith } from './validation.ts'

/** What may be asked for. Sizes in bytes, times in milliseconds. */
export const FUNCTION_LIMITS = {
  /** A DNS label, so that a name can become a host name. */
  namePattern: /^[a-z][a-z0-9-]{0,62}$/,
  /** Docker's references end at some 400 characters; the rest is for the `process` runtime's command lines. */
  imageCharactersMax: 1_024,
  cpusMin: 0.01,
  cpusMax: 256,
  /** Docker refuses less. */
  memoryBytesMin: 6 * 2 ** 20,
  memoryBytesMax: 16 * 2 ** 40,
  timeoutMsMax: 3_600_000,
  concurrencyMax: 1_000,
  prewarmMax: 64,
  gpusMax: 64,
  readyPathCharactersMax: 256,
  envEntriesMax: 64,
  envNameCharactersMax: 128,
  /** Of one value. */
  envValueBytesMax: 8_192,
  /** Of all names and values: a spec travels in the log and in every order. */
  envBytesMax: 32_768
} as const

/**
 * What a function gets that does not say. Half a core and 128 MiB hold one call of most small programs, and a 4-core, 8 GiB machine then
 * runs eight of them at once before the scheduler must refuse; whoever needs more is told so by `out_of_memory` and can say more.
 */
export const FUNCTION_DEFAULTS = {
  cpus: 0.5,
  memoryBytes: 128 * 2 ** 20,
  timeoutMs: 30_000,
  /** Of an `http` function whose image does not limit it; `stdio` has always 1. */
  concurrency: 8,
  /** Where an `http` function's image names no port: the port that Cloud Run, Knative and the OpenFaaS watchdogs agree on. */
  port: 8_080,
  prewarm: 0,
  idempotent: false,
  network: 'none'
} as const

/** More than any call costs: whoever means more means no limit. */
const COST_USD_MAX = 1_000_000

/** Names that the runtime sets itself in every container. */
const RESERVED_ENV = /^(?:PORT|CARES_.*)$/

const name = z.string().regex(FUNCTION_LIMITS.namePattern, 'must be 1 to 63 of a-z, 0-9 and -, and start with a letter')
const image = z
  .string()
  .min(1)
  .max(FUNCTION_LIMITS.imageCharactersMax)
  .regex(/^[^\p{Cc}]+$/u, 'must not contain control characters')
const cpus = z.number().min(FUNCTION_LIMITS.cpusMin).max(FUNCTION_LIMITS.cpusMax)
const memoryBytes = z
  .int()
  .min(FUNCTION_LIMITS.memoryBytesMin, `must be at least ${formatBytes(FUNCTION_LIMITS.memoryBytesMin)}`)
  .max(FUNCTION_LIMITS.memoryBytesMax, `must be at most ${formatBytes(FUNCTION_LIMITS.memoryBytesMax)}`)
const timeoutMs = z
  .int()
  .min(1, 'must be at least 1ms')
  .max(FUNCTION_LIMITS.timeoutMsMax, `must be at most ${formatDurationMs(FUNCTION_LIMITS.timeoutMsMax)}`)
const concurrency = z.int().min(1).max(FUNCTION_LIMITS.concurrencyMax)
const prewarm = z.union([z.int().min(0).max(FUNCTION_LIMITS.prewarmMax), z.literal('auto')])
const gpus = z.int().min(1).max(FUNCTION_LIMITS.gpusMax)
const port = z.int().min(0).max(65_535)
const constraint = z
  .string()
  .max(256)
  .regex(/^[^\s=!]+(?:!?=\S*)?$/, 'must be like zone=eu, zone!=us or gpu')

/** Read-only, as in the model. */
const constraints: z.ZodType<readonly string[], readonly string[]> = z.array(constraint).max(CONSTRAINTS_MAX)

/** As asked for: `zone==eu`, which is kept where a log has it, is a slip of the pen. */
const askedConstraints = constraints.refine(labels => !labels.some(label => label.includes('==')), 'must be like zone=eu, with one =')

const REQUIRE = 'labels of a worker: `zone=eu`, `zone!=us`, `gpu`'
const maxCostUsd = z.number().positive('must be more than nothing').max(COST_USD_MAX)

/** How workers are chosen, as the log keeps it. */
export const placementPolicySchema = z
  .strictObject({
    strategy: z.enum(STRATEGY_NAMES).optional(),
    objective: z.enum(OBJECTIVES).optional().describe('what the strategy `cost` saves'),
    maxCostUsd: maxCostUsd.optional().describe('a call that is expected to cost more is refused, once 3 runs are known'),
    require: constraints.optional().describe(REQUIRE)
  })
  .refine(({ strategy = 'cost', objective }) => objective === undefined || strategy === 'cost', 'only the strategy cost has an objective')

/** How workers are to be chosen, as a request or file says it. */
export const askedPlacementSchema = placementPolicySchema.safeExtend({ require: askedConstraints.optional().describe(REQUIRE) })

/** How the worker of one call is chosen, as a client says it. */
export const callPolicySchema = z
  .strictObject({
    objective: z.enum(OBJECTIVES),
    maxCostUsd,
    require: askedConstraints
  })
  .partial()

/** What a cluster agrees on, as a request says it and the log keeps it. */
export const agreedStrategySchema: z.ZodType<AgreedStrategy, AgreedStrategy> = z
  .strictObject({ name: z.enum(STRATEGY_NAMES), objective: z.enum(OBJECTIVES).optional().describe('what the strategy `cost` saves') })
  .refine(({ name, objective }) => objective === undefined || name === 'cost', 'only the strategy cost has an objective')

const contract = z.enum(CONTRACTS)
const network = z.enum(NETWORK_POLICIES)
const readyPath = z
  .string()
  .max(FUNCTION_LIMITS.readyPathCharactersMax)
  .regex(/^\/[\x21-\x7e]*$/, 'must start with / and hold no spaces')
const env = z
  .record(
    z
      .string()
      .max(FUNCTION_LIMITS.envNameCharactersMax)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be letters, digits and _, and not start with a digit')
      .refine(key => !RESERVED_ENV.test(key), 'is set by CARES itself'),
    z
      .string()
      .refine(value => !value.includes('\0'), 'must not contain NUL')
      .refine(
        value => Buffer.byteLength(value) <= FUNCTION_LIMITS.envValueBytesMax,
        `must be at most ${formatBytes(FUNCTION_LIMITS.envValueBytesMax)}`
      )
  )
  .refine(values => Object.keys(values).length <= FUNCTION_LIMITS.envEntriesMax, `at most ${FUNCTION_LIMITS.envEntriesMax} variables`)
  .refine(
    values =>
      Object.entries(values).reduce((bytes, [key, value]) => bytes + Buffer.byteLength(key) + Buffer.byteLength(value), 0) <=
      FUNCTION_LIMITS.envBytesMax,
    `names and values together must be at most ${formatBytes(FUNCTION_LIMITS.envBytesMax)}`
  )

/**
 * The body of `POST /v1/functions`, and one document of `cares apply`. Only `name` and `image` are needed; what else is absent comes from
 * the image or from {@link FUNCTION_DEFAULTS}. Unknown fields are refused.
 */
export const functionRequestSchema = z.strictObject({
  name,
  image,
  /** `auto` (as when absent): `http` if a port is asked for, else what the image says. */
  contract: z.enum(['auto', ...CONTRACTS]).optional(),
  /** 0 is the same as absent. */
  port: port.exactOptional(),
  readyPath: readyPath.optional(),
  cpus: cpus.exactOptional(),
  memoryBytes: memoryBytes.exactOptional(),
  /** Limits the function to peers with the label `gpu`, which peers that have found GPUs give themselves. */
  gpus: gpus.optional(),
  timeoutMs: timeoutMs.exactOptional(),
  concurrency: concurrency.exactOptional(),
  prewarm: prewarm.exactOptional(),
  idempotent: z.boolean().exactOptional(),
  env: env.exactOptional(),
  network: network.exactOptional(),
  placement: askedPlacementSchema.optional()
})

/** A spec with nothing left open, as it stands in the log. */
export const functionSpecSchema = z
  .strictObject({
    name,
    image,
    contract,
    port,
    readyPath: readyPath.optional(),
    cpus,
    memoryBytes,
    gpus: gpus.optional(),
    timeoutMs,
    concurrency,
    prewarm,
    idempotent: z.boolean(),
    env,
    network,
    placement: placementPolicySchema.optional()
  })
  .superRefine((spec, context) => {
    const issue = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    if (spec.contract === 'http') {
      if (spec.port === 0) issue('port', 'an http function needs a port')
      if (spec.prewarm !== 0) issue('prewarm', 'only a stdio function is prewarmed: an http container stays warm by itself')
    } else {
      if (spec.port !== 0) issue('port', 'a stdio function has no port')
      if (spec.concurrency !== 1) issue('concurrency', 'a stdio container serves one call')
      if (spec.readyPath !== undefined) issue('readyPath', 'a stdio function has no ready path')
    }
  })

/** `value` as a request, or a CaresError `invalid` whose `details.issues` name every field that is wrong. */
export function parseFunctionRequest(value: unknown): FunctionRequest {
  return parseWith(functionRequestSchema, value, 'function')
}

/** What {@link resolveSpec} reads of an image. */
export type ImageTraits = Pick<ImageInfo, 'contract' | 'port' | 'readyPath' | 'concurrency'>

/**
 * Fills in what the request leaves open: from the image, else from {@link FUNCTION_DEFAULTS}. The image's port, ready path and concurrency
 * count only if the contract is the one that was detected for it. Throws `invalid` where the parts contradict each other, e.g. a
 * port for `stdio`.
 */
export function resolveSpec(request: FunctionRequest, imageTraits: ImageTraits): FunctionSpec {
  const asked = parseFunctionRequest(request)
  const contract = chooseContract(asked, imageTraits)
  const traits = contract === imageTraits.contract ? imageTraits : undefined
  const http = contract === 'http'
  const placement = asked.gpus === undefined ? asked.placement : onGpuPeers(asked.placement)
  const readyPath = asked.readyPath ?? (http ? traits?.readyPath : undefined)
  const spec = {
    name: asked.name,
    image: asked.image,
    contract,
    port: asked.port || (http ? traits?.port || FUNCTION_DEFAULTS.port : 0),
    ...(readyPath === undefined ? {} : { readyPath }),
    cpus: asked.cpus ?? FUNCTION_DEFAULTS.cpus,
    memoryBytes: asked.memoryBytes ?? FUNCTION_DEFAULTS.memoryBytes,
    timeoutMs: asked.timeoutMs ?? FUNCTION_DEFAULTS.timeoutMs,
    concurrency: asked.concurrency ?? (http ? (traits?.concurrency ?? FUNCTION_DEFAULTS.concurrency) : 1),
    prewarm: asked.prewarm ?? FUNCTION_DEFAULTS.prewarm,
    idempotent: asked.idempotent ?? FUNCTION_DEFAULTS.idempotent,
    env: asked.env ?? {},
    network: asked.network ?? FUNCTION_DEFAULTS.network,
    ...defined({ gpus: asked.gpus, placement })
  } satisfies FunctionSpec
  try {
    return parseWith(functionSpecSchema, spec, 'function')
  } catch (cause) {
    if (!(cause instanceof CaresError)) throw cause
    const source = asked.contract === undefined || asked.contract === 'auto' ? ' (detected)' : ''
    throw new CaresError('invalid', `${cause.message}; the contract is ${contract}${source}`, {
      hint: 'name the contract, or leave out what does not fit it',
      details: cause.details,
      cause
    })
  }
}

/** Peers label themselves with the GPUs that they have. */
function onGpuPeers(placement: FunctionSpec['placement']): FunctionSpec['placement'] {
  const wanted = placement?.require ?? []
  return wanted.some(constraint => /^gpu(?:!?=|$)/.test(constraint)) ? placement : { ...placement, require: [...wanted, GPU_LABEL] }
}

function chooseContract(asked: FunctionRequest, image: ImageTraits): FunctionSpec['contract'] {
  if (asked.contract !== undefined && asked.contract !== 'auto') return asked.contract
  return asked.port === undefined || asked.port === 0 ? image.contract : 'http'
}
