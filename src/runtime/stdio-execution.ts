import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { AnswerHead, CallHead, StartKind, Usage } from '../model/invocation.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { ExecutionAnswer, ExecutionCall } from '../model/ports/runtime.ts'
import { sniffContentType } from './content-type.ts'
import type { Exit, StdioInstance } from './driver.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { type Ending, notAnswered, notEnded, toCancelled } from './ending.ts'
import { exitError } from './exit-error.ts'
import { Tail } from './log-lines.ts'

/**
 * A `stdio` program tells whether it worked only by its exit code, so the head of its answer waits for the exit. It cannot wait for ever with a
 * growing answer in memory: an answer longer than this starts as 200, and a later failure cuts it short. 64 KiB is what a pipe holds, so a
 * program that wrote less may well have exited already.
 */
const HEAD_BYTES_MAX = 64 * 1024

/** What one call of a started program needs. */
export interface StdioRun {
  readonly instance: StdioInstance
  readonly fn: FunctionRecord
  readonly call: ExecutionCall
  readonly start: StartKind
  readonly startMs: number
  readonly ending: Ending
  readonly clock: Clock
}

/** Gives one call to a program that waits on stdin. Resolves when the head of the answer is known; disposes of the program in every case. */
export async function executeStdio(run: StdioRun): Promise<ExecutionAnswer> {
  const { instance, fn, call, ending } = run
  const startedMs = run.clock.nowMs()
  const tail = new Tail()
  instance.stderr.on('data', (chunk: Buffer) => tail.write(chunk))
  const onCut = (): void => {
    fail()
    // A task has some time to end by itself, and may write meanwhile: it would die of a closed pipe.
    if (call.task === undefined) instance.stdout.destroy(ending.signal.reason as CaresError)
    else void output.discard()
    void instance.dispose()
  }
  const output = new CountedOutput(instance.stdout, call.task === undefined ? undefined : ending.signal)
  const input = { bytes: 0 }
  const usageNow = (): Usage => {
    const runMs = run.clock.nowMs() - startedMs
    const { cpuMs, memoryPeakBytes } = instance.measure()
    const bytes = { bytesIn: input.bytes, bytesOut: output.bytes }
    return { queueMs: 0, pullMs: instance.pullMs, startMs: run.startMs, runMs, cpuMs, memoryPeakBytes, ...bytes }
  }
  const fail = (): void => call.onFailed?.({ start: run.start, usage: usageNow() })
  ending.signal.addEventListener('abort', onCut, { once: true })
  if (ending.signal.aborted) onCut()
  feed(call.body, input, instance, ending)
  const finish = async (): Promise<{ usage: Usage; exitCode: number }> => {
    const exit = await untilAborted(instance.exited, ending.signal)
    ending.close()
    void instance.dispose()
    const failure = failureOf(exit, fn, tail.text())
    if (failure !== undefined) {
      fail()
      throw failure
    }
    return { exitCode: exit.exitCode, usage: usageNow() }
  }

  try {
    // A task has no head that must tell how it ends, and its lines are wanted while it runs.
    const streamAtOnce = call.task !== undefined || wantsEvents(call.head)
    const begun = streamAtOnce ? { chunks: [], ended: false } : await output.readUpTo(HEAD_BYTES_MAX)
    const timing = { queueMs: 0, pullMs: instance.pullMs, startMs: run.startMs }
    const head: AnswerHead = { status: 200, headers: [['content-type', contentType(streamAtOnce, begun)]], start: run.start, timing }
    if (begun.ended) {
      const finished = await finish()
      const body = Buffer.concat(begun.chunks)
      return { head, body: yieldAll(begun.chunks), end: Promise.resolve(finished), whole: { body, end: finished } }
    }
    return { head, ...streamed(begun.chunks, output, finish, ending) }
  } catch (error) {
    ending.close()
    void instance.dispose()
    throw error
  }
}

/** What to say of a call, or of a task, whose time is up. Looks at the program, so it is for the moment when that is the cause. */
export function overdueOf({ task }: ExecutionCall, timeoutMs: number, instance: StdioInstance | undefined): CaresError {
  return task === undefined ? notAnswered(timeoutMs, hintOfServer(instance)) : notEnded(timeoutMs)
}

/** What a timed-out one-shot program is told that listens on a port instead of reading stdin. */
function hintOfServer(instance: StdioInstance | undefined): string | undefined {
  const port = instance?.listeningPort()
  return port === undefined ? undefined : `looks like an HTTP server on ${port}; try: cares upload IMAGE --contract http --port ${port}`
}

/** The rest of an answer whose head is out. */
function streamed(
  begun: readonly Uint8Array[],
  output: CountedOutput,
  finish: () => Promise<{ usage: Usage; exitCode: number }>,
  ending: Ending
): Pick<ExecutionAnswer, 'body' | 'end'> {
  const { promise: end, resolve, reject } = Promise.withResolvers<{ usage: Usage; exitCode: number }>()
  // The body throws the same error, so a reader that has not come to `end` yet must not bring the process down.
  end.catch(() => {})
  // Also when nobody reads the body any more, a cut ends the answer.
  ending.signal.addEventListener('abort', () => reject(ending.signal.reason), { once: true })
  async function* body(): AsyncGenerator<Uint8Array> {
    let whole = false
    try {
      yield* begun
      yield* output.rest()
      const finished = await finish()
      whole = true
      resolve(finished)
    } catch (error) {
      whole = true
      reject(error)
      throw error
    } finally {
      if (!whole) ending.cut(new CaresError('cancelled', 'the answer was not read to its end'))
    }
  }
  return { body: body(), end }
}

/** Writes the body to stdin, then closes it. A program that stops reading early is no failure; a body that breaks off is. */
function feed(body: AsyncIterable<Uint8Array>, input: { bytes: number }, instance: StdioInstance, ending: Ending): void {
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        input.bytes += chunk.length
        yield chunk
      }
    } catch (error) {
      ending.cut(toCancelled(error))
    }
  }
  // The program decides how much of its input it wants: EPIPE, a reset or a closed stdin only end the feeding.
  pipeline(counted(), instance.stdin).catch(() => {})
  void instance.exited.then(() => instance.stdin.destroy())
}

/** A program's stdout, read no faster than its reader reads: the program blocks instead. */
class CountedOutput {
  bytes = 0
  readonly #chunks: AsyncIterator<Buffer>
  readonly #signal: AbortSignal | undefined

  /** With a signal, a reader is told its reason as soon as it aborts; without one, when the stream is destroyed. */
  constructor(stdout: Readable, signal: AbortSignal | undefined) {
    this.#chunks = stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#signal = signal
  }

  /** Reads what nobody wants any more. Never rejects. */
  async discard(): Promise<void> {
    try {
      while ((await this.#chunks.next()).done !== true);
    } catch {
      // There is no more to read: that is all that was to be done.
    }
  }

  /** Reads until the end, or until more than `bytesMax` were read. */
  async readUpTo(bytesMax: number): Promise<{ chunks: Uint8Array[]; ended: boolean }> {
    const chunks: Uint8Array[] = []
    while (this.bytes <= bytesMax) {
      const chunk = await this.#next()
      if (chunk === undefined) return { chunks, ended: true }
      chunks.push(chunk)
    }
    return { chunks, ended: false }
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = await (this.#signal === undefined ? this.#chunks.next() : untilAborted(this.#chunks.next(), this.#signal))
    if (next.done === true) return undefined
    this.bytes += next.value.length
    return next.value
  }
}

function failureOf(exit: Exit, fn: FunctionRecord, stderr: string): CaresError | undefined {
  if (exit.lost === undefined && !exit.outOfMemory && exit.exitCode === 0) return undefined
  return exitError(fn, exit, stderr, { code: 'function_failed' })
}

function wantsEvents(head: CallHead): boolean {
  return head.headers.some(([name, value]) => name === 'accept' && /(^|,)\s*text\/event-stream\b/i.test(value))
}

function contentType(streamAtOnce: boolean, { chunks, ended }: { chunks: readonly Uint8Array[]; ended: boolean }): string {
  return streamAtOnce ? 'text/event-stream' : sniffContentType(Buffer.concat(chunks), { complete: ended })
}

async function* yieldAll(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
