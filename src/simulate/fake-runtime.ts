import { CaresError } from '../model/errors.ts'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import type { StartKind, Usage } from '../model/invocation.ts'
import type { LogLine } from '../model/logs.ts'
import type { Capacity } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { ExecutionAnswer, ExecutionCall, ImageInfo, Runtime, RuntimeUse } from '../model/ports/runtime.ts'

/** What a fake execution does: it waits, then answers or fails. */
export interface FakeOutcome {
  /** Until the head of the answer. @default 0 */
  readonly latencyMs?: number | undefined
  /** Waited for in place of `latencyMs`; what it throws is how the execution fails. */
  readonly until?: ((options: { signal: AbortSignal }) => Promise<void>) | undefined
  /** The body of the answer, in pieces. @default the call's own body, in one */
  readonly answer?: readonly Uint8Array[] | undefined
  /** Between two pieces. @default 0 */
  readonly pieceEveryMs?: number | undefined
  /** Thrown instead of an answer; after the pieces, if there are any. */
  readonly error?: CaresError | undefined
  readonly start?: StartKind | undefined
}

/** A runtime without programs. Each execution does what the script says of it; memory is reserved as a real one would. */
export interface FakeRuntime extends Runtime {
  /** Calls so far, in order. */
  readonly executed: readonly { readonly function: string; readonly invocation: string }[]
  /** Replaces the script. */
  script(outcomeOf: (fn: FunctionRecord, call: ExecutionCall) => FakeOutcome): void
  /** Whether the engine answers; true at first. */
  setReady(ready: boolean): void
  /** The images that are here; every image at first. */
  setImages(digests: readonly Digest[]): void
  log(line: Omit<LogLine, 'peer'>): void
}

/** Makes one. Executions that the script does not speak of echo their body at once. */
export function createFakeRuntime({ capacity, clock }: { capacity: Capacity; clock: Clock }): FakeRuntime {
  const executed: { function: string; invocation: string }[] = []
  const running = new Map<object, FunctionRecord>()
  const listeners: ((line: Omit<LogLine, 'peer'>) => void)[] = []
  let outcomeOf: (fn: FunctionRecord, call: ExecutionCall) => FakeOutcome = () => ({})
  let images: ReadonlySet<Digest> | undefined
  let isReady = true
  let stopped = false

  const promisedBytes = (): number => [...running.values()].reduce((sum, fn) => sum + fn.memoryBytes, 0)

  const execute = async (
    fn: FunctionRecord,
    call: ExecutionCall,
    { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number }
  ): Promise<ExecutionAnswer> => {
    if (stopped) throw new CaresError('stopping', 'this peer is stopping', { retryable: true })
    if (!isReady) throw new CaresError('runtime_unavailable', 'the engine does not answer', { retryable: true })
    const available = capacity.memoryBytes - promisedBytes()
    if (fn.memoryBytes > available) {
      const details = { resource: 'memory', needed: fn.memoryBytes, available }
      throw new CaresError('busy', 'not enough memory left on this peer', { retryable: true, details })
    }
    const reservation = {}
    running.set(reservation, fn)
    executed.push({ function: functionKey(fn), invocation: call.invocation })
    const startedMs = clock.nowMs()
    const sleep = async (ms: number): Promise<void> => {
      const leftMs = startedMs + timeoutMs - clock.nowMs()
      try {
        signal.throwIfAborted()
        if (ms > 0) await clock.sleep(Math.max(0, Math.min(ms, leftMs)), { signal })
      } catch (cause) {
        throw signal.reason instanceof CaresError ? signal.reason : new CaresError('cancelled', 'the caller went away', { cause })
      }
      if (ms > leftMs) throw new CaresError('timeout', `no answer within ${timeoutMs} ms`)
    }
    try {
      const { latencyMs = 0, until, answer, pieceEveryMs = 0, error, start = 'cold' } = outcomeOf(fn, call)
      const input = await readAll(call.body)
      await (until === undefined ? sleep(latencyMs) : until({ signal }))
      if (error !== undefined && answer === undefined) throw error
      const end = Promise.withResolvers<{ usage: Usage }>()
      end.promise.catch(() => {}) // Whoever reads the body to its end looks at it.
      const pieces = answer ?? [input]
      const body = async function* (): AsyncGenerator<Uint8Array, void> {
        try {
          for (const [index, piece] of pieces.entries()) {
            if (index > 0) await sleep(pieceEveryMs)
            yield piece
          }
          if (error !== undefined) throw error
          const bytes = { bytesIn: input.length, bytesOut: pieces.reduce((sum, { length }) => sum + length, 0) }
          end.resolve({ usage: { queueMs: 0, pullMs: 0, startMs: 0, runMs: clock.nowMs() - startedMs, ...bytes } })
        } catch (cause) {
          end.reject(cause)
        } finally {
          running.delete(reservation)
        }
      }
      return { head: { status: 200, headers: [['content-type', 'application/octet-stream']], start }, body: body(), end: end.promise }
    } catch (err) {
      running.delete(reservation)
      throw err
    }
  }

  const serve: Runtime['serve'] = async (fn, { invocation, task, onHealth }, { signal }) => {
    const head = { method: 'GET', path: '/', query: '', headers: [] }
    const body = (async function* () {})()
    const call: ExecutionCall = { invocation, head, body, task }
    // It is as healthy as it can be from its start on, and ends as an execution would.
    onHealth('healthy')
    const answer = await execute(fn, call, { signal, timeoutMs: Number.POSITIVE_INFINITY })
    for await (const _ of answer.body);
    throw new CaresError('function_failed', `${fn.name} exited with code 0`, { details: { exitCode: 0 } })
  }

  const use = (): RuntimeUse => ({
    running: running.size,
    cpusReserved: [...running.values()].reduce((sum, fn) => sum + fn.cpus, 0),
    memoryReservedBytes: promisedBytes(),
    warm: []
  })

  const resolve = async (image: string, { wish = {} }: Parameters<Runtime['resolve']>[1]): Promise<ImageInfo> => {
    const digest = `sha256:${Buffer.from(image).toString('hex')}` as Digest
    if (images !== undefined && !images.has(digest)) throw new CaresError('image_not_found', `no image ${image}`)
    const isHttp = wish.contract === 'http' || wish.port !== undefined
    return { image, digest, bytes: 1, arch: 'amd64', contract: isHttp ? 'http' : 'stdio', port: wish.port ?? 0, because: 'it is a fake' }
  }

  return {
    kind: 'process',
    capacity,
    arch: 'amd64',
    executed,
    start: async () => {},
    stop: async () => {
      stopped = true
    },
    check: async () => ({ ready: isReady, reason: isReady ? 'a fake answers' : 'a fake was told not to answer' }),
    resolve,
    present: async digests => digests.filter(digest => images?.has(digest) ?? true),
    exportImage: async () => {
      throw new CaresError('image_unsupported', 'the fake runtime holds no images')
    },
    importImage: async () => {
      throw new CaresError('image_unsupported', 'the fake runtime holds no images')
    },
    onMissingImage: () => {},
    execute,
    serve,
    setFunctions: () => {},
    use,
    onLog: listener => void listeners.push(listener),
    prune: async () => [],
    script: next => {
      outcomeOf = next
    },
    setReady: ready => {
      isReady = ready
    },
    setImages: digests => {
      images = new Set(digests)
    },
    log: line => {
      for (const listener of listeners) listener(line)
    }
  }
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
