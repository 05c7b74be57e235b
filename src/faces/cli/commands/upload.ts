import type { FunctionRequest } from '../../../model/service.ts'
import { OBJECTIVES, type Objective, STRATEGY_NAMES, type StrategyName } from '../../../model/placement.ts'
import { defined } from '../../../model/defined.ts'
import { CaresError } from '../../../model/errors.ts'
import { PULL_POLICIES, type PullPolicy } from '../../../model/function.ts'
import { parseBytes } from '../../../model/units.ts'
import { uploadLines } from '../../function-view.ts'
import { defineCommand } from '../command.ts'
import { inFlags } from '../flag-issues.ts'
import {
  parseAssignment,
  parseCount,
  parseCountOrAuto,
  parseLabel,
  parsePositive,
  parsePositiveDurationMs,
  parseRevision
} from '../flags.ts'
import { withProgress } from '../progress.ts'

interface UploadOptions {
  contract?: 'auto' | 'stdio' | 'http'
  port?: number
  ready?: string
  cpu?: number
  memory?: number
  timeout?: number
  concurrency?: number
  prewarm?: number | 'auto'
  gpus?: number
  idempotent?: true
  env?: readonly (readonly [string, string])[]
  network?: 'none' | 'egress'
  strategy?: StrategyName
  objective?: Objective
  maxCost?: number
  require?: readonly string[]
  ifRevision?: number
  pull?: PullPolicy
}

export const upload = defineCommand<UploadOptions>({
  args: [
    { name: 'IMAGE', description: 'the image, as for docker run; with --runtime process, a command line' },
    { name: 'NAME', description: 'what to call the function; guessed from the image', required: false, completes: 'function' }
  ],
  options: [
    { flags: '--contract <CONTRACT>', description: 'how the image is called; auto finds out', choices: ['auto', 'stdio', 'http'] },
    { flags: '--port <N>', description: 'the port that an http image serves on', parse: parseCount },
    { flags: '--ready <PATH>', description: 'answers below 400 when an http container is ready' },
    { flags: '--cpu <N>', description: 'cores for a container, e.g. 0.5', parse: parsePositive },
    { flags: '--memory <SIZE>', description: 'memory for a container, e.g. 256Mi', parse: parseBytes },
    { flags: '--timeout <DURATION>', description: 'longest that a call may take, e.g. 30s', parse: parsePositiveDurationMs },
    { flags: '--concurrency <N>', description: 'calls that one http container serves at once', parse: parseCount },
    { flags: '--gpus <N>', description: 'GPUs that each container has to itself', parse: parseCount },
    {
      flags: '--prewarm <N|auto>',
      description: 'stdio containers kept started ahead, each for one call; auto follows the calls',
      parse: parseCountOrAuto
    },
    { flags: '--idempotent', description: 'running a call twice does no harm: it may be retried' },
    { flags: '-e, --env <K=V>', description: 'a variable for the container', repeats: true, parse: parseAssignment },
    { flags: '--network <POLICY>', description: 'what a container may reach', defaultText: 'none', choices: ['none', 'egress'] },
    { flags: '--strategy <NAME>', description: 'how a worker is chosen', defaultText: "the cluster's", choices: STRATEGY_NAMES },
    { flags: '--objective <AIM>', description: 'what the strategy cost saves', defaultText: 'balanced', choices: OBJECTIVES },
    {
      flags: '--max-cost <USD>',
      description: 'refuse a call that is expected to cost more, e.g. 0.001; once 3 runs are known',
      parse: parsePositive
    },
    { flags: '--require <LABEL>', description: 'only workers with this label: zone=eu, zone!=us, gpu', repeats: true, parse: parseLabel },
    { flags: '--if-revision <N>', description: 'only if it has this revision; 0: only if it is new', parse: parseRevision },
    {
      flags: '--pull <WHEN>',
      description: 'ask the registry for the image',
      defaultText: 'missing',
      choices: PULL_POLICIES
    }
  ],
  description: 'Uploading a name again makes its next revision; calls that run go on with theirs.',
  examples: [
    { comment: 'A function named thumb, its contract found out', command: 'cares upload acme/thumb:1.4' },
    { comment: 'A web server with more room', command: 'cares upload acme/ocr ocr --contract http --port 5000 --memory 512Mi' },
    { comment: 'A filter with two containers waiting for the next calls', command: 'cares upload acme/upper -e LANG=C.UTF-8 --prewarm 2' }
  ],
  async run({ args: [image = '', given], options, client, terminal, output, clock, signal, note }) {
    const request = functionRequest(image, given ?? guessName(image), options)
    const put = await withProgress(`finding ${image}`, { terminal, output, clock }, () =>
      client.putFunction(request, { ifRevision: options.ifRevision, pull: options.pull, signal })
    ).catch((error: unknown) => {
      throw inFlags(error, 'upload', { name: 'NAME' })
    })
    for (const warning of put.warnings ?? []) note(`warning: ${warning}`)
    return { kind: 'item', data: put, names: [put.function.name], lines: () => uploadLines(put) }
  }
})

function functionRequest(image: string, name: string, options: UploadOptions): FunctionRequest {
  const { contract, port, ready, cpu, memory, timeout, concurrency, prewarm, gpus, idempotent, env, network } = options
  return defined({
    name,
    image,
    contract,
    port,
    readyPath: ready,
    cpus: cpu,
    memoryBytes: memory,
    timeoutMs: timeout,
    concurrency,
    prewarm,
    gpus,
    idempotent,
    env: env === undefined ? undefined : Object.fromEntries(env),
    network,
    placement: placementOf(options)
  })
}

function placementOf({ strategy, objective, maxCost, require }: UploadOptions): FunctionRequest['placement'] {
  const placement = defined({ strategy, objective, maxCostUsd: maxCost, require })
  return Object.keys(placement).length === 0 ? undefined : placement
}

/** A DNS label holds no more. */
const NAME_CHARACTERS_MAX = 63

/** `thumb` of `ghcr.io/acme/thumb:1.4@sha256:…`: the last part of the reference, as far as a function's name may hold it. */
export function guessName(image: string): string {
  const reference = /^[^\s@]+/.exec(image)?.[0] ?? ''
  const last = reference.split('/').at(-1)?.split(':')[0] ?? ''
  const name = last
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, NAME_CHARACTERS_MAX)
    .replace(/-+$/, '')
  if (name === '')
    throw new CaresError('invalid', `no function name can be made of ${JSON.stringify(image)}`, { hint: 'cares upload IMAGE NAME' })
  return name
}
