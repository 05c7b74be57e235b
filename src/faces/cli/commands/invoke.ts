import type { FetchAnswer } from '../../node-fetch.ts'
import type { CommandContext, Result } from '../command.ts'
import { CaresError, isErrorCode } from '../../../model/errors.ts'
import { PARAMS_HEADER } from '../../../model/invocation.ts'
import { formatBytes } from '../../../model/units.ts'
import { placementLines } from '../../placement-view.ts'
import { policyHeaders } from '../../policy-headers.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { parseHeader, parseMethod, parsePositiveDurationMs } from '../flags.ts'
import { write } from '../output.ts'
import { PARAMS_FLAG, policyFlags, policyOf, type PolicyOptions } from '../policy-flags.ts'
import { withProgress } from '../progress.ts'
import { type CallBody, readCallBody } from '../call-body.ts'

interface InvokeOptions extends PolicyOptions {
  data?: string
  request?: string
  header?: readonly (readonly [string, string])[]
  path?: string
  params?: string
  on?: string
  async?: true
  wait?: true
  rawExit?: true
  timeout?: number
  idempotencyKey?: string
}

type InvokeContext = CommandContext<InvokeOptions>

/** Most calls are over by then, and need no second connection. */
const IMAGE_LOOK_MS = 1_000

/** Of one long poll for the end of an asynchronous call; it is asked again until it has ended. */
const WAIT_MS = 30_000

/** Longest to wait for the story of a call that has been answered already. */
const STORY_TIMEOUT_MS = 2_000

/** A failed process's own exit code is passed on; what a shell cannot hold becomes 1. */
const EXIT_CODE_MAX = 255

export const invoke = defineCommand<InvokeOptions>({
  args: [{ name: 'NAME', description: 'the function', completes: 'function' }],
  options: [
    {
      flags: '-d, --data <DATA>',
      description: 'the body: text, @FILE, or - for stdin; without it, stdin if it is piped',
      completes: 'file'
    },
    { flags: '-X, --request <METHOD>', description: 'the HTTP method', defaultText: 'POST with a body, else GET', parse: parseMethod },
    { flags: '-H, --header <K:V>', description: 'a header for the function', repeats: true, parse: parseHeader },
    { flags: '--path <PATH>', description: 'below the function, with its query: /users?page=2' },
    { flags: '--on <PEER>', description: 'only this peer may run it', completes: 'peer' },
    ...policyFlags('call'),
    PARAMS_FLAG,
    { flags: '--async', description: 'do not wait: print the id of the invocation' },
    { flags: '--wait', description: 'with --async: wait for the end and print the answer' },
    { flags: '--raw-exit', description: "exit with the function's own exit code instead of 8" },
    { flags: '--timeout <DURATION>', description: "give up earlier than the function's own timeout", parse: parsePositiveDurationMs },
    { flags: '--idempotency-key <KEY>', description: 'the same key gets the same answer from the same peer, for ten minutes' }
  ],
  description:
    'The answer goes to stdout as it comes, whatever -o says. With -v, where it ran and why goes to stderr. Ctrl-C cancels the call.',
  examples: [
    { comment: 'Call with a text', command: "cares invoke upper -d 'hello'" },
    { comment: 'Stream a file in and the answer out, and see where it ran', command: 'cares invoke thumb -d @cat.jpg -v >small.jpg' },
    { comment: 'A path below an http function', command: "cares invoke shop --path '/items?page=2' -H 'accept: application/json'" },
    { comment: 'In the background, and its answer later', command: 'cares invoke ocr -d @book.pdf --async --wait >book.txt' }
  ],
  async run(context) {
    const { args, options, terminal, output } = context
    const [name = ''] = args
    if (options.wait === true && options.async !== true)
      throw new CaresError('invalid', '--wait is for --async: without it every call is waited for')
    const body = await readCallBody(options.data, { stdin: terminal.stdin, method: options.request })
    if (options.async === true) return await invokeAsync(name, body, context)
    const path = options.path ?? '/'
    const call = {
      method: options.request ?? (body.stream === undefined ? 'GET' : 'POST'),
      path: /^[/?]/.test(path) ? path : `/${path}`,
      headers: callHeaders(body, options),
      body: body.stream
    }
    const answer = await withProgress(`calling ${name}`, context, async tell => {
      const answered = new AbortController()
      if (terminal.stderr.isTTY === true && !output.quiet) void tellImages(name, tell, context, answered.signal)
      try {
        return await context.client.invoke(name, call, { signal: context.signal })
      } finally {
        answered.abort()
      }
    })
    const exitCode = await printAnswer(name, answer, context)
    const invocation = answer.headers.get('x-cares-invocation')
    if (output.verbose && invocation !== undefined) await tellPlacement(invocation, context)
    return { kind: 'written', exitCode }
  }
})

/** While a call waits for its image to travel to the peer that is asked: how much of it has come. */
async function tellImages(
  name: string,
  tell: (doing: string) => void,
  { client, clock }: InvokeContext,
  signal: AbortSignal
): Promise<void> {
  try {
    await clock.sleep(IMAGE_LOOK_MS, { signal })
    const onLost = async (): Promise<void> => clock.sleep(IMAGE_LOOK_MS, { signal })
    for await (const event of client.events({ types: ['image'], follow: true, onLost, signal })) {
      if (!event.type.startsWith('image:') || !('function' in event.data) || event.data.function !== name) continue
      if (event.type === 'image:progressed')
        tell(
          `calling ${name}: its image comes from another peer, ${formatBytes(event.data.bytes)} of about ${formatBytes(event.data.imageBytes)}`
        )
      else tell(`calling ${name}`)
    }
  } catch {
    // Only a remark: what is wrong with the peer is told by the call.
  }
}

function callHeaders(
  { headers }: CallBody,
  { header = [], on, timeout, params, idempotencyKey, ...policy }: InvokeOptions
): [string, string][] {
  const own = new Set(header.map(([name]) => name))
  return [
    ...headers.filter(([name]) => !own.has(name)),
    ...header,
    ...(on === undefined ? [] : [['x-cares-on', on] as const]),
    ...(timeout === undefined ? [] : [['x-cares-timeout', `${timeout}ms`] as const]),
    ...policyHeaders(policyOf(policy)),
    ...(params === undefined ? [] : [[PARAMS_HEADER, params] as const]),
    ...(idempotencyKey === undefined ? [] : [['idempotency-key', idempotencyKey] as const])
  ].map(([name, value]) => [name, value])
}

/** Copies the answer to stdout, or throws the failure that it tells of. Gives the exit code. */
async function printAnswer(name: string, answer: FetchAnswer, context: InvokeContext): Promise<number> {
  const { client, terminal, options, signal, note } = context
  if (isProblem(answer)) {
    const failure = await client.failure(answer, { signal })
    const code = failure.details['exitCode']
    const invocation = answer.headers.get('x-cares-invocation')
    if (options.rawExit === true && failure.code === 'function_failed' && typeof code === 'number') {
      const { stderr } = failure.details
      if (typeof stderr === 'string') terminal.stderr.write(stderr)
      return code > 0 && code <= EXIT_CODE_MAX ? code : EXIT.unexpected
    }
    throw new CaresError(failure.code, failure.message, {
      hint: failure.hint,
      retryable: failure.retryable,
      details: { ...(invocation === undefined ? {} : { invocation }), ...failure.details }
    })
  }
  try {
    for await (const chunk of answer.body) await write(terminal.stdout, chunk)
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw await brokenOff(name, answer, cause, context)
  }
  if (answer.status < 400) return EXIT.done
  note(`cares: ${name} answered ${answer.status}`)
  return EXIT.functionFailed
}

/** Why an answer ended in its middle: HTTP cannot say, but the peer remembers. */
async function brokenOff(
  name: string,
  { headers }: FetchAnswer,
  cause: unknown,
  { client, clock, signal }: InvokeContext
): Promise<CaresError> {
  const message = `the answer of ${name} broke off in the middle`
  const invocation = headers.get('x-cares-invocation')
  if (invocation === undefined) return new CaresError('peer_lost', message, { cause })
  const details = { invocation }
  try {
    const options = { waitMs: STORY_TIMEOUT_MS / 2, signal: AbortSignal.any([signal, clock.timeout(STORY_TIMEOUT_MS)]) }
    const { error } = await client.invocation(invocation, options)
    if (error !== null && isErrorCode(error.code)) return new CaresError(error.code, `${message}: ${error.message}`, { cause, details })
  } catch {
    // The peer may be what was lost.
  }
  return new CaresError('peer_lost', message, { cause, details })
}

/** Whether the answer tells of a failure in the words of CARES, and is not the function's own. */
function isProblem({ status, headers }: FetchAnswer): boolean {
  return status >= 400 && (headers.get('content-type') ?? '').startsWith('application/problem+json')
}

async function invokeAsync(name: string, body: CallBody, context: InvokeContext): Promise<Result> {
  const { client, options, signal, note } = context
  const accepted = await client.invokeAsync(name, { headers: callHeaders(body, options), body: body.stream }, { signal })
  const id = accepted.invocation
  if (options.wait !== true) {
    note(`${name} accepted; see: cares explain ${id}`)
    return { kind: 'item', data: accepted, names: [id], lines: () => [id] }
  }
  let record = await client.invocation(id, { waitMs: WAIT_MS, signal })
  while (record.state === 'queued' || record.state === 'running') record = await client.invocation(id, { waitMs: WAIT_MS, signal })
  if (record.error !== null && !record.result) {
    throw new CaresError(isErrorCode(record.error.code) ? record.error.code : 'internal', record.error.message, {
      details: { invocation: id }
    })
  }
  const exitCode = await printAnswer(name, await client.result(id, { signal }), context)
  if (context.output.verbose) await tellPlacement(id, context)
  return { kind: 'written', exitCode }
}

/** What the call was placed on and what it took, for people; the call itself is over, so nothing here may fail it. */
async function tellPlacement(id: string, { client, clock, signal, terminal }: InvokeContext): Promise<void> {
  try {
    const explanation = await client.explain(id, { signal: AbortSignal.any([signal, clock.timeout(STORY_TIMEOUT_MS)]) })
    for (const line of placementLines(explanation)) terminal.stderr.write(`* ${line}\n`)
  } catch (error) {
    terminal.stderr.write(`* invocation ${id}; its placement cannot be told: ${(error as Error).message}\n`)
  }
}
