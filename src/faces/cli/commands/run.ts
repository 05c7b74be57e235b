import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { parse as parseYaml } from 'yaml'
import { defined } from '../../../model/defined.ts'
import { CaresError } from '../../../model/errors.ts'
import { PULL_POLICIES, type PullPolicy } from '../../../model/function.ts'
import { parseTaskRequest, TASK_LIMITS } from '../../../model/task-request.ts'
import type { TaskItem } from '../../../model/rest-tasks.ts'
import type { TaskRequest } from '../../../model/task-service.ts'
import { parseBytes, parseDurationMs } from '../../../model/units.ts'
import { awaitService, awaitTask, isHealthy, printTaskOutput, taskError } from '../await-task.ts'
import { readCallBody } from '../call-body.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { inFlags } from '../flag-issues.ts'
import { parseAssignment, parseCount, parsePositive, parsePositiveDurationMs, parsePublish } from '../flags.ts'
import { policyFlags, policyOf, type PolicyOptions } from '../policy-flags.ts'
import { withProgress } from '../progress.ts'

/** A file that describes a task is written by hand: a larger one is something else. */
const FILE_BYTES_MAX = 262_144

interface RunOptions extends PolicyOptions {
  file?: string
  function?: string
  name?: string
  env?: readonly (readonly [string, string])[]
  cpu?: number
  memory?: number
  network?: 'none' | 'egress'
  timeout?: number
  attempts?: number
  service?: true
  publish?: { publish: number; port?: number }
  health?: string
  input?: string
  detach?: true
  idempotencyKey?: string
  caller?: string
  pull?: PullPolicy
}

export const run = defineCommand<RunOptions>({
  args: [
    { name: 'IMAGE', description: 'the image, as for docker run; with --runtime process, a command line', required: false },
    { name: 'ARGS', description: "after --: instead of the image's or function's own command", required: false, variadic: true }
  ],
  options: [
    { flags: '-f, --file <FILE>', description: 'the task as YAML or JSON, or - for stdin; flags come on top', completes: 'file' },
    { flags: '--function <NAME>', description: 'run this stdio function instead of an image', completes: 'function' },
    { flags: '--name <NAME>', description: 'what to call the task', defaultText: "the image's name" },
    { flags: '-e, --env <K=V>', description: 'a variable for the container', repeats: true, parse: parseAssignment },
    { flags: '--cpu <N>', description: 'cores, e.g. 0.5', parse: parsePositive },
    { flags: '--memory <SIZE>', description: 'memory, e.g. 256Mi', parse: parseBytes },
    { flags: '--network <POLICY>', description: 'what the container may reach', defaultText: 'none', choices: ['none', 'egress'] },
    ...policyFlags('task'),
    { flags: '--timeout <DURATION>', description: 'longest that one attempt may take', defaultText: '1h', parse: parsePositiveDurationMs },
    { flags: '--attempts <N>', description: 'attempts that may fail before it is given up', defaultText: '3', parse: parseCount },
    { flags: '--service', description: 'keep it running: started again when it ends, elsewhere when its peer is lost, until cancelled' },
    {
      flags: '--publish <PORT[:INSIDE]>',
      description: 'take TCP connections for it at PORT of every peer; makes it a service',
      parse: parsePublish
    },
    { flags: '--health <PATH>', description: 'ask it here over HTTP whether it is healthy; makes it a service' },
    { flags: '--input <DATA|@FILE|->', description: 'what it finds on stdin, up to 64 MiB', completes: 'file' },
    { flags: '-d, --detach', description: 'do not wait for its end: print its id' },
    { flags: '--idempotency-key <KEY>', description: 'the same key is the same task' },
    { flags: '--caller <NAME>', description: 'who is charged for it: see cares costs --by caller' },
    {
      flags: '--pull <WHEN>',
      description: 'ask the registry for the image',
      defaultText: 'missing',
      choices: PULL_POLICIES
    }
  ],
  description:
    'It runs on the peer where it is expected to be cheapest, and again elsewhere if it fails or its peer is lost. Once the id is told, the cluster has the task, whatever dies. Without --detach its output is printed when it is over; interrupting leaves the task alone. A peer that has lost touch ends what it runs before another is given it; only where a whole machine is frozen can two attempts overlap. CARES_FENCING_TOKEN in the environment rises with each attempt, so that a store can refuse the older one. A service has no end, no timeout and no result; it runs once it is healthy, which is what is waited for: its program runs, its port accepts connections or, with --health, the path answers below 400.',
  examples: [
    { comment: 'Run a command in an image', command: 'cares run busybox -- echo hello' },
    {
      comment: 'A long one in the background, once a day however often it is asked for',
      command: 'cares run acme/report --cpu 4 --memory 8Gi --timeout 12h -d --idempotency-key report-$(date +%F)'
    },
    { comment: 'A function as a task, with a file as input', command: 'cares run --function ocr --input @book.pdf >book.txt' },
    { comment: 'A service: port 8080 of every peer, 80 in the container', command: 'cares run acme/site --publish 8080:80 --health /' }
  ],
  async run(context) {
    const { options, client, clock, signal, note, terminal, output } = context
    const request = await requestOf(context)
    const input = options.input === undefined ? {} : await inputOf(options.input, context)
    const {
      task,
      created,
      warnings = []
    } = await withProgress(`finding ${request.image ?? request.function}`, { terminal, output, clock }, () =>
      client.submitTask(request, { ...input, key: options.idempotencyKey, caller: options.caller, pull: options.pull, signal })
    )
    for (const warning of warnings) note(`warning: ${warning}; it waits for one that can`)
    if (!created) note(`cares: the key was used before: this is task ${task.id}, ${task.state}`)
    if (options.detach === true) return { kind: 'item', data: task, names: [task.id], lines: () => [task.id] }
    note(`${task.name} is task ${task.id}`)
    if (task.service !== null) {
      const service = await awaitService(task.id, { client, clock, signal }, message => note(`it is started again: ${message}`))
      if (!isHealthy(service)) throw taskError(service)
      return { kind: 'item', data: service, names: [service.id], lines: () => [runningText(service)] }
    }
    const over = await awaitTask(task.id, { client, clock, signal })
    if (over.state !== 'succeeded') throw taskError(over)
    return output.format === 'table' || output.format === 'wide'
      ? await printTaskOutput(task.id, context)
      : { kind: 'item', data: over, names: [over.id], lines: () => [over.id] }
  }
})

async function requestOf({ args: words, argsBehindDashes, options, terminal }: CommandContext<RunOptions>): Promise<TaskRequest> {
  const { file, function: fn, name, env, cpu, memory, network, timeout, attempts } = options
  if (fn !== undefined && words.length > argsBehindDashes) {
    throw new CaresError('invalid', 'either an image or a function, not both: a function brings its image along', {
      hint: `cares run --function ${fn} -- ${words.join(' ')}   (as its arguments)`
    })
  }
  if (file === undefined && fn === undefined && words.length === 0) {
    throw new CaresError('invalid', 'nothing to run: needs either an image or a function', {
      hint: 'cares run IMAGE   or cares run --function NAME'
    })
  }
  const described = file === undefined ? {} : await readTask(file, terminal)
  // A function brings its image along: all that is written are its arguments.
  const [image, ...args] = fn === undefined ? words : [undefined, ...words]
  const placement = policyOf(options)
  const given = {
    ...defined({
      image,
      args: args.length === 0 ? undefined : args,
      function: fn,
      name,
      env: env === undefined ? undefined : { ...(described as TaskRequest).env, ...Object.fromEntries(env) },
      cpus: cpu,
      memoryBytes: memory,
      network,
      placement: placement === undefined ? undefined : { ...(described as TaskRequest).placement, ...placement },
      timeoutMs: timeout,
      attempts
    }),
    ...serviceOf(options, described)
  }
  try {
    return parseTaskRequest({ ...described, ...given })
  } catch (error) {
    const said = new Set(Object.keys({ ...given, ...policyOf(options) }))
    const isFlag = (path: string): boolean => said.has(path.replace(/^placement\./, '').split(/[.[]/, 1)[0] ?? '')
    throw inFlags(error, 'run', { name: '--name', file: file === '-' ? 'stdin' : file, isFlag })
  }
}

/** What makes it a service: what the flags say, over what the file says. */
function serviceOf({ service, publish, health }: RunOptions, described: Pick<TaskRequest, 'service'>): Pick<TaskRequest, 'service'> {
  if (service === undefined && publish === undefined && health === undefined) return {}
  return { service: { ...described.service, ...publish, ...(health === undefined ? {} : { health }) } }
}

function runningText({ id, name, worker, service }: TaskItem): string {
  const port = service?.publish ?? null
  return `${name} (${id}) runs on ${worker?.name ?? '-'}${port === null ? '' : `, and is reached at port ${port} of every peer`}`
}

/** What a file says of a task: the fields of the REST API, and sizes and durations as flags have them. */
async function readTask(file: string, { stdin }: CommandContext<RunOptions>['terminal']): Promise<object> {
  const text = file === '-' ? await buffer(stdin) : await readFile(file).catch((cause: unknown) => Promise.reject(unreadable(file, cause)))
  if (text.length > FILE_BYTES_MAX) throw new CaresError('invalid', `${file} is larger than a description of a task`)
  let value: unknown
  try {
    value = parseYaml(text.toString('utf8'))
  } catch (cause) {
    throw new CaresError('invalid', `${file}: ${(cause as Error).message.split('\n')[0] ?? ''}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CaresError('invalid', `${file} does not describe a task`)
  const { memory, timeout, ...rest } = value as Record<string, unknown>
  return {
    ...rest,
    ...(memory === undefined ? {} : { memoryBytes: typeof memory === 'string' ? parseBytes(memory) : memory }),
    ...(timeout === undefined ? {} : { timeoutMs: typeof timeout === 'string' ? parseDurationMs(timeout) : timeout })
  }
}

/** What a task finds on stdin: the bytes, or, when they are many, the address under which they were uploaded. */
async function inputOf(
  data: string,
  { client, clock, signal, output, terminal }: CommandContext<RunOptions>
): Promise<{ input: Uint8Array } | { inputDigest: string }> {
  const { stream } = await readCallBody(data, { stdin: terminal.stdin, method: undefined })
  if (stream === undefined) return { input: new Uint8Array() }
  const source = typeof stream === 'string' ? [Buffer.from(stream)] : stream
  const chunks: Uint8Array[] = []
  let bytes = 0
  const rest = (async function* () {
    yield* source
  })()
  while (bytes <= TASK_LIMITS.inlineBytesMax) {
    const next = await rest.next()
    if (next.done === true) return { input: Buffer.concat(chunks) }
    chunks.push(next.value)
    bytes += next.value.length
  }
  const all = (async function* () {
    yield* chunks
    yield* rest
  })()
  const { digest } = await withProgress('uploading the input', { terminal, output, clock }, () => client.uploadPayload(all, { signal }))
  return { inputDigest: digest }
}

function unreadable(file: string, cause: unknown): CaresError {
  const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (cause as Error).message
  return new CaresError('invalid', `cannot read ${file}: ${reason}`, { cause })
}
