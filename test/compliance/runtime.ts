import assert from 'node:assert/strict'
import { CaresError, type ErrorCode } from '../../src/model/errors.ts'
import { type FunctionRecord, functionKey } from '../../src/model/function.ts'
import type { InvocationId } from '../../src/model/ids.ts'
import type { AnswerHead, CallHead, Run, Usage } from '../../src/model/invocation.ts'
import type { LogLine } from '../../src/model/logs.ts'
import type { Runtime } from '../../src/model/ports/runtime.ts'
import { eventually } from '../support/eventually.ts'
import { sampleFunction } from '../support/samples.ts'

/** One program of each kind that the suite needs, as this runtime names images. */
export interface Programs {
  /** stdin to stdout. */
  readonly echo: string
  /** stdin to stdout in upper case. */
  readonly upper: string
  /** Reads all, writes `this is not a picture` to stderr, exits with 3. */
  readonly fail: string
  /** Writes `done` and exits, its stdin closed at once. */
  readonly deaf: string
  /** Writes `y` lines without end. */
  readonly flood: string
  readonly hang: string
  /** Ignores SIGTERM, and writes a line to stderr when it does. */
  readonly stubborn: string
  /** Writes its environment. */
  readonly env: string
  /** Writes 100,000 zero bytes, a line to stderr, and exits with 4. */
  readonly cut: string
  /** `scripts/images/web.ts`, serving on PORT. */
  readonly web: string
  /** Resolves to nothing. */
  readonly missing: string
}

/** A runtime to be tried. `setup` gives a started one; two of the same test belong to one peer, in rising sessions. */
export interface RuntimeUnderTest {
  readonly programs: Programs
  setup(options?: { keepAliveMs?: number; memoryBytes?: number; readyTimeoutMs?: number; gpus?: readonly string[] }): Promise<Runtime>
  /** How many containers or processes of the peer there are now. */
  countLeft(): Promise<number>
  teardown(): Promise<void>
}

/** An answer read to its end. */
export interface Heard {
  readonly head: AnswerHead
  readonly text: string
  readonly end: { readonly usage: Usage; readonly exitCode?: number | undefined }
}

const MIB = 2 ** 20

/** Finds an image and makes a function of it. */
export async function functionOf(runtime: Runtime, image: string, changes: Partial<FunctionRecord> = {}): Promise<FunctionRecord> {
  const wish = changes.contract === undefined ? {} : { contract: changes.contract }
  const info = await runtime.resolve(image, { pull: 'never', wish, signal: never() })
  const { contract, port, digest, bytes } = info
  return sampleFunction({
    name: 'tried',
    image,
    contract,
    port,
    digest,
    imageBytes: bytes,
    cpus: 1,
    memoryBytes: 64 * MIB,
    env: {},
    ...changes
  })
}

/** Starts a call. */
export async function execute(
  runtime: Runtime,
  fn: FunctionRecord,
  { body = [], signal = never(), timeoutMs = 20_000, onFailed, ...head }: Partial<CallHead> & CallOptions = {}
): ReturnType<Runtime['execute']> {
  const call = {
    invocation: 'i-tried' as InvocationId,
    head: { method: 'POST', path: '/', query: '', headers: [], ...head },
    body: typeof body === 'string' ? from([Buffer.from(body)]) : from(body),
    onFailed
  }
  return runtime.execute(fn, call, { signal, timeoutMs })
}

/** Makes a call and reads its answer. */
export async function call(runtime: Runtime, fn: FunctionRecord, options: Partial<CallHead> & CallOptions = {}): Promise<Heard> {
  const answer = await execute(runtime, fn, options)
  return { head: answer.head, text: await textOf(answer.body), end: await answer.end }
}

/** Passes when the promise rejects with a CaresError of this code; gives it. */
export async function rejectsWith(code: ErrorCode, promise: Promise<unknown>): Promise<CaresError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason
  )
  assert.ok(error instanceof CaresError, `expected ${code}, got ${String(error)}`)
  assert.equal(error.code, code, `${error.message} (${String(error.cause)})`)
  return error
}

interface CallOptions {
  readonly body?: string | readonly Uint8Array[] | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  readonly onFailed?: (run: Run) => void
}

/** What every runtime that runs real programs must do. */
export function runtimeCompliance(open: () => RuntimeUnderTest): void {
  let tried: RuntimeUnderTest
  let runtime: Runtime

  beforeEach(async () => {
    tried = open()
    runtime = await tried.setup()
  })

  afterEach(async () => {
    await tried.teardown()
    assert.equal(await tried.countLeft(), 0, 'something was left behind')
  })

  describe('services', () => {
    /** Begins to serve a program; `health` resolves with what is told of it first. */
    const serve = async (image: string, signal: AbortSignal) => {
      const health = Promise.withResolvers<string>()
      const task = { args: [], stopGraceMs: 100 }
      const fn = await functionOf(runtime, image)
      const served = runtime.serve(fn, { invocation: 'i-service' as InvocationId, task, onHealth: health.resolve }, { signal })
      served.catch(() => {}) // Looked at by the test.
      return { served, health: health.promise }
    }

    it('run until they are stopped, and are healthy at once if nobody connects to them', async () => {
      const stop = new AbortController()
      const { served, health } = await serve(tried.programs.hang, stop.signal)
      assert.equal(await health, 'healthy')
      stop.abort(new CaresError('peer_draining', 'it goes elsewhere'))
      await rejectsWith('peer_draining', served)
      assert.equal(runtime.use().running, 0)
    })

    it('tell how their program has ended', async () => {
      const { served } = await serve(tried.programs.fail, never())
      const { details } = await rejectsWith('function_failed', served)
      assert.equal(details['exitCode'], 3)
    })
  })

  describe('stdio', () => {
    it('gives the body to stdin and answers with stdout', async () => {
      const { head, text, end } = await call(runtime, await functionOf(runtime, tried.programs.upper), { body: 'hello' })
      assert.equal(text, 'HELLO')
      const { timing, ...rest } = head
      assert.deepEqual(rest, { status: 200, headers: [['content-type', 'text/plain; charset=utf-8']], start: 'cold' })
      assert.ok(timing !== undefined && timing.startMs > 0, 'the head does not say what starting took')
      assert.equal(end.exitCode, 0)
      assert.equal(end.usage.bytesIn, 5)
      assert.equal(end.usage.bytesOut, 5)
    })

    it('carries 8 MiB both ways in order', async () => {
      const chunks = Array.from({ length: 128 }, (_, i) => Buffer.alloc(64 * 1024, `${i},`))
      const answer = await execute(runtime, await functionOf(runtime, tried.programs.echo), { body: chunks })
      const heard: Uint8Array[] = []
      for await (const chunk of answer.body) heard.push(chunk)
      assert.ok(Buffer.concat(heard).equals(Buffer.concat(chunks)))
      assert.equal((await answer.end).usage.bytesOut, 8 * MIB)
    })

    it('tells the exit code and the end of stderr of a program that fails', async () => {
      const error = await rejectsWith('function_failed', call(runtime, await functionOf(runtime, tried.programs.fail), { body: 'x' }))
      assert.deepEqual(error.details, { exitCode: 3, stderr: 'this is not a picture\n' })
    })

    it('breaks off an answer whose program fails after its head was out', async () => {
      const answer = await execute(runtime, await functionOf(runtime, tried.programs.cut))
      assert.equal(answer.head.status, 200)
      let bytes = 0
      const read = async (): Promise<void> => {
        for await (const chunk of answer.body) bytes += chunk.length
      }
      const error = await rejectsWith('function_failed', read())
      assert.equal(bytes, 100_000)
      assert.equal(error.details['exitCode'], 4)
      await rejectsWith('function_failed', answer.end)
    })

    it('does not mind a program that exits before it has read its input', async () => {
      const body = Array.from({ length: 64 }, () => Buffer.alloc(64 * 1024))
      assert.equal((await call(runtime, await functionOf(runtime, tried.programs.deaf), { body })).text, 'done\n')
    })

    it('stops a program that writes without end when its reader has had enough', async () => {
      const answer = await execute(runtime, await functionOf(runtime, tried.programs.flood))
      let bytes = 0
      for await (const chunk of answer.body) {
        bytes += chunk.length
        if (bytes > MIB) break
      }
      await rejectsWith('cancelled', answer.end)
    })

    it('tells the program about its call', async () => {
      const fn = await functionOf(runtime, tried.programs.env, { env: { LANG: 'C' } })
      const { text } = await call(runtime, fn, {
        path: '/a',
        query: 'b=c',
        headers: [
          ['x-trace', '7'],
          ['authorization', 'secret']
        ]
      })
      const lines = new Set(text.split('\n'))
      for (const line of [
        'CARES_INVOCATION=i-tried',
        'CARES_FUNCTION=tried',
        'LANG=C',
        'Http_Method=POST',
        'Http_Path=/a',
        'Http_Query=b=c',
        'Http_X_Trace=7'
      ]) {
        assert.ok(lines.has(line), `${line} in ${text}`)
      }
      assert.doesNotMatch(text, /secret/)
    })

    it('answers at once when the caller wants events', async () => {
      const signal = new AbortController()
      const answer = await execute(runtime, await functionOf(runtime, tried.programs.hang), {
        headers: [['accept', 'text/event-stream']],
        signal: signal.signal
      })
      assert.deepEqual(answer.head.headers, [['content-type', 'text/event-stream']])
      signal.abort()
      await rejectsWith('cancelled', answer.end)
    })

    it('ends a program that takes too long', async () => {
      const error = await rejectsWith('timeout', call(runtime, await functionOf(runtime, tried.programs.hang), { timeoutMs: 700 }))
      assert.equal(error.message, 'no answer within 700ms')
    })

    it('ends the program of a cancelled call, also one that ignores SIGTERM', async () => {
      const caller = new AbortController()
      const { promise: running, resolve } = Promise.withResolvers<void>()
      runtime.onLog(() => resolve())
      const calling = rejectsWith('cancelled', call(runtime, await functionOf(runtime, tried.programs.stubborn), { signal: caller.signal }))
      await running
      caller.abort()
      await calling
      // Left alone it would outlive the test. How long this takes is measured by scripts/bench/cancel.ts.
      await eventually('nothing of it is left', async () => (await tried.countLeft()) === 0)
    })

    it('tells what a program has taken that failed, that took too long, or that nobody wanted any more', async () => {
      const runs: Run[] = []
      const options = { body: 'hello', onFailed: (run: Run) => runs.push(run) }
      await rejectsWith('function_failed', call(runtime, await functionOf(runtime, tried.programs.fail), options))
      // A program whose start has taken all of the time has taken nothing itself: it gets more of it then.
      for (let timeoutMs = 700; runs.length < 2; timeoutMs *= 2) {
        await rejectsWith('timeout', call(runtime, await functionOf(runtime, tried.programs.hang), { ...options, timeoutMs }))
      }
      const answer = await execute(runtime, await functionOf(runtime, tried.programs.flood), options)
      let bytes = 0
      for await (const chunk of answer.body) {
        bytes += chunk.length
        if (bytes > MIB) break
      }
      await rejectsWith('cancelled', answer.end)
      const [failed, overdue, cut] = runs
      assert.equal(runs.length, 3)
      assert.deepEqual([failed?.start, failed?.usage.bytesIn, failed?.usage.bytesOut], ['cold', 5, 0])
      // Its start may have taken some of its time.
      assert.ok(overdue !== undefined && overdue.usage.runMs > 0 && (overdue.usage.memoryPeakBytes ?? 0) > 0, JSON.stringify(overdue))
      assert.ok((cut?.usage.bytesOut ?? 0) > MIB && cut?.usage.cpuMs !== undefined, JSON.stringify(cut))
    })

    it('tells the lines of stderr with their invocation', async () => {
      const lines: Omit<LogLine, 'peer'>[] = []
      runtime.onLog(line => lines.push(line))
      await rejectsWith('function_failed', call(runtime, await functionOf(runtime, tried.programs.fail)))
      assert.deepEqual(
        lines.map(line => [line.function, line.invocation, line.stream, line.text]),
        [['tried', 'i-tried', 'stderr', 'this is not a picture']]
      )
    })

    it('has programs ready ahead of their calls, each for one', async () => {
      const fn = await functionOf(runtime, tried.programs.upper, { prewarm: 2 })
      runtime.setFunctions([fn])
      const idle = (): number => runtime.use().warm.find(pool => pool.function === functionKey(fn))?.idle ?? 0
      await eventually('two are idle', () => idle() === 2)
      assert.equal((await call(runtime, fn, { body: 'a' })).head.start, 'prewarmed')
      assert.equal((await call(runtime, fn, { body: 'b' })).text, 'B')
      await eventually('two are idle', () => idle() === 2)
      runtime.setFunctions([])
      await eventually('its memory is free', () => runtime.use().memoryReservedBytes === 0)
    })
  })

  describe('stdio, with prewarm auto', () => {
    it('has a program ready ahead once calls have been coming, and none before', async () => {
      const fn = await functionOf(runtime, tried.programs.upper, { prewarm: 'auto' })
      runtime.setFunctions([fn])
      assert.equal((await call(runtime, fn, { body: 'a' })).head.start, 'cold')
      await eventually('one is idle', () => (runtime.use().warm.find(pool => pool.function === functionKey(fn))?.idle ?? 0) >= 1)
      assert.equal((await call(runtime, fn, { body: 'b' })).head.start, 'prewarmed')
    })
  })

  describe('http', () => {
    const web = async (changes: Partial<FunctionRecord> = {}): Promise<FunctionRecord> =>
      functionOf(runtime, tried.programs.web, { contract: 'http', memoryBytes: 256 * MIB, ...changes })

    it('passes method, path, query, headers and body on, and serves the second call warm', async () => {
      const fn = await web()
      const options = {
        path: '/a/b',
        query: 'c=d',
        headers: [
          ['x-trace', '7'],
          ['connection', 'close, x-hop'],
          ['x-hop', '1']
        ],
        body: 'hello'
      } as const
      const first = await call(runtime, fn, options)
      const seen = JSON.parse(first.text) as { method: string; url: string; bodyBytes: number; headers: Record<string, string> }
      assert.deepEqual([seen.method, seen.url, seen.bodyBytes, seen.headers['x-trace']], ['POST', '/a/b?c=d', 5, '7'])
      assert.equal(seen.headers['x-hop'], undefined)
      assert.equal(first.head.start, 'cold')
      const second = await call(runtime, fn, options)
      assert.equal(second.head.start, 'warm')
      assert.equal(second.end.usage.startMs, 0)
      assert.deepEqual(runtime.use().warm, [{ function: functionKey(fn), idle: 1, busy: 0 }])
    })

    it('carries 8 MiB both ways in order', async () => {
      const chunks = Array.from({ length: 128 }, (_, i) => Buffer.alloc(64 * 1024, `${i},`))
      const answer = await execute(runtime, await web(), { path: '/echo', body: chunks, bodyBytes: 8 * MIB })
      const heard: Uint8Array[] = []
      for await (const chunk of answer.body) heard.push(chunk)
      assert.ok(Buffer.concat(heard).equals(Buffer.concat(chunks)))
    })

    it('goes on with the input of a function that has answered, however long that is', async () => {
      const lines: string[] = []
      runtime.onLog(({ text }) => lines.push(text))
      const chunks = Array.from({ length: 512 }, () => Buffer.alloc(64 * 1024, 'x'))
      for (const bodyBytes of [32 * MIB, undefined]) {
        const hasEnded = Promise.withResolvers<void>()
        const body = (async function* () {
          yield* chunks.slice(0, -1)
          await hasEnded.promise
          yield* chunks.slice(-1)
        })()
        const answer = await execute(runtime, await web(), { path: '/early', body, bodyBytes })
        assert.equal(await textOf(answer.body), 'early\n')
        await answer.end
        assert.equal(runtime.use().warm[0]?.busy, 1, 'its place is taken until then')
        hasEnded.resolve()
        await answer.rest
        await eventually('it reads on', () => lines.includes(`read on ${32 * MIB}`))
        lines.length = 0
      }
      assert.equal(runtime.use().warm[0]?.busy, 0)
    })

    it('lets go of a function that has answered and never reads its input', async () => {
      const fn = await web()
      const answer = await execute(runtime, fn, { path: '/ignore', body: endless() })
      assert.equal(await textOf(answer.body), 'enough\n')
      await answer.end
      await answer.rest
      assert.equal((await call(runtime, fn)).head.start, 'warm')
    })

    it('ends with its time, or its caller, what a function reads after its answer', async () => {
      const fn = await web()
      await call(runtime, fn)
      const caller = new AbortController()
      for (const options of [{ timeoutMs: 500 }, { signal: caller.signal }]) {
        const answer = await execute(runtime, fn, { path: '/early', body: silentAfter('x'), ...options })
        assert.equal(await textOf(answer.body), 'early\n')
        await answer.end
        if ('signal' in options) caller.abort()
        await answer.rest
        await eventually('none is busy', () => runtime.use().warm[0]?.busy === 0)
      }
    })

    it('serves as many calls at once in one container as it may, and starts it once', async () => {
      const fn = await web({ concurrency: 4 })
      const heard = await Promise.all(Array.from({ length: 4 }, async () => call(runtime, fn, { path: '/sleep', query: 'ms=300' })))
      assert.deepEqual(heard.map(({ text }) => text.trim()).sort(), ['1', '2', '3', '4'])
      assert.equal(await tried.countLeft(), 1)
    })

    it('starts a second container when the first is full, and says busy when there is no room for it', async () => {
      await runtime.stop()
      runtime = await tried.setup({ memoryBytes: 512 * MIB })
      const fn = await web()
      const calls = [0, 1].map(async () => call(runtime, fn, { path: '/sleep', query: 'ms=1500' }))
      await eventually('a second container', () => runtime.use().memoryReservedBytes === 512 * MIB)
      const error = await rejectsWith('busy', call(runtime, fn))
      assert.deepEqual(error.details, { resource: 'memory', needed: 256 * MIB, available: 0 })
      assert.deepEqual(
        (await Promise.all(calls)).map(({ head }) => head.status),
        [200, 200]
      )
    })

    it('gives up an idle container for another function', async () => {
      await runtime.stop()
      runtime = await tried.setup({ memoryBytes: 300 * MIB })
      await call(runtime, await web())
      assert.equal((await call(runtime, await functionOf(runtime, tried.programs.upper), { body: 'x' })).text, 'X')
      assert.deepEqual(runtime.use().warm, [])
    })

    it('removes a container that was idle for its time', async () => {
      await runtime.stop()
      runtime = await tried.setup({ keepAliveMs: 200 })
      await call(runtime, await web())
      await eventually('its memory is free', () => runtime.use().memoryReservedBytes === 0)
      await eventually('nothing of it is left', async () => (await tried.countLeft()) === 0)
    })

    it('passes an answer of the function on, whatever its status', async () => {
      const { head, text } = await call(runtime, await web(), { path: '/status', query: 'code=500' })
      assert.equal(head.status, 500)
      assert.equal(text, 'as you wish\n')
      assert.ok(head.headers.some(([name, value]) => name === 'x-reason' && value === 'asked for it'))
    })

    it('does not pass on a status that HTTP does not have', async () => {
      const error = await rejectsWith('function_protocol', call(runtime, await web(), { path: '/status', query: 'code=999' }))
      assert.match(error.message, /status is 999/)
      const below = await rejectsWith('function_protocol', call(runtime, await web(), { path: '/below' }))
      assert.match(below.message, /status is below 100/)
    })

    it('says what is too much of the headers of an answer, wherever it was called', async () => {
      const fn = await web()
      for (const body of ['', 'x']) {
        const many = await rejectsWith('function_protocol', call(runtime, fn, { path: '/headers', query: 'count=300', body }))
        assert.match(many.message, /30\d headers, and may have 256/)
        const value = 'v'.repeat(2_000)
        const large = await rejectsWith('function_protocol', call(runtime, fn, { path: '/headers', query: `count=9&value=${value}`, body }))
        assert.match(large.message, /headers of the answer .* are larger than 16/)
      }
    })

    it('tells a crash before the answer, and one within it', async () => {
      const fn = await web()
      const crash = await rejectsWith('function_protocol', call(runtime, fn, { path: '/crash', body: 'x' }))
      assert.equal(crash.details['exitCode'], 7)
      const answer = await execute(runtime, fn, { path: '/break' })
      const read = async (): Promise<void> => {
        for await (const chunk of answer.body) assert.equal(Buffer.from(chunk).toString(), 'the first half\n')
      }
      await rejectsWith('function_protocol', read())
      await rejectsWith('function_protocol', answer.end)
    })

    it('tells what calls have taken that failed or took too long', async () => {
      const runs: Run[] = []
      const onFailed = (run: Run): unknown => runs.push(run)
      const fn = await web({ concurrency: 4 })
      await call(runtime, fn)
      await rejectsWith('timeout', call(runtime, fn, { path: '/hang', body: 'abc', timeoutMs: 300, onFailed }))
      const told = runs.splice(0)[0]
      assert.equal(told?.start, 'warm')
      assert.ok(told.usage.runMs >= 290 && (told.usage.memoryPeakBytes ?? 0) > 0, JSON.stringify(told))
      await rejectsWith('function_protocol', call(runtime, fn, { path: '/crash', body: 'x', onFailed }))
      assert.deepEqual([runs[0]?.start, runs[0]?.usage.bytesOut], ['warm', 0])
    })

    it('tells which port was never opened', async () => {
      await runtime.stop()
      // From its start on, however long an engine that is busy takes for that.
      runtime = await tried.setup({ readyTimeoutMs: 300 })
      const fn = await functionOf(runtime, tried.programs.hang, { contract: 'http', port: 8080 })
      const error = await rejectsWith('function_protocol', call(runtime, fn))
      assert.match(error.hint ?? '', /\$PORT/)
    })

    it('ends a container that did not answer in the time of its function', async () => {
      const fn = await web({ concurrency: 4, timeoutMs: 300 })
      // However long its start takes.
      await call(runtime, fn)
      await rejectsWith('timeout', call(runtime, fn, { path: '/hang', timeoutMs: 300 }))
      await eventually('its memory is free', () => runtime.use().memoryReservedBytes === 0)
    })

    it('keeps a container that calls share when one of them had less time than its function', async () => {
      const fn = await web({ concurrency: 4 })
      await call(runtime, fn)
      await rejectsWith('timeout', call(runtime, fn, { path: '/hang', timeoutMs: 300 }))
      assert.equal((await call(runtime, fn)).head.start, 'warm')
    })

    describe('asked for a WebSocket', () => {
      const socket = { method: 'GET', path: '/', webSocket: true } as const

      it('passes bytes both ways as they come, and ends when the caller has nothing more to say', async () => {
        const heard = Promise.withResolvers<void>()
        async function* input(): AsyncGenerator<Uint8Array> {
          yield Buffer.from('first')
          await heard.promise
          yield Buffer.from('second')
        }
        const fn = await web()
        const answer = await execute(runtime, fn, {
          ...socket,
          body: input(),
          headers: [['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']]
        })
        assert.equal(answer.head.status, 101)
        const accepted = answer.head.headers.find(([name]) => name === 'sec-websocket-accept')
        assert.equal(accepted?.[1], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'the example of RFC 6455, 1.3')
        let text = ''
        for await (const chunk of answer.body) {
          text += String(chunk)
          if (text === 'first') heard.resolve()
        }
        assert.equal(text, 'firstsecond')
        const { usage } = await answer.end
        assert.deepEqual([usage.bytesIn, usage.bytesOut], [11, 11])
        assert.deepEqual(runtime.use().warm, [{ function: functionKey(fn), idle: 1, busy: 0 }])
      })

      it('ends one on which nobody says anything for as long as a call may take, and keeps the container', async () => {
        const fn = await web({ timeoutMs: 150 })
        const answer = await execute(runtime, fn, { ...socket, body: silence() })
        await rejectsWith('timeout', Array.fromAsync(answer.body))
        await rejectsWith('timeout', answer.end)
        assert.equal((await call(runtime, fn)).head.start, 'warm')
      })

      it('ends when its caller goes away', async () => {
        const caller = new AbortController()
        const answer = await execute(runtime, await web(), { ...socket, body: silence(), signal: caller.signal })
        caller.abort()
        await rejectsWith('cancelled', Array.fromAsync(answer.body))
        await rejectsWith('cancelled', answer.end)
      })

      it('passes on the answer of a function that does not want to', async () => {
        const { head, text } = await call(runtime, await web(), { ...socket, path: '/status', query: 'code=403' })
        assert.deepEqual([head.status, text], [403, 'as you wish\n'])
      })
    })

    it('sends no body where there is none', async () => {
      const { text } = await call(runtime, await web(), { method: 'GET' })
      assert.doesNotMatch(text, /transfer-encoding|content-length/)
    })
  })

  it('knows which images are here', async () => {
    const fn = await functionOf(runtime, tried.programs.echo)
    const other = sampleFunction().digest
    assert.deepEqual(await runtime.present([other, fn.digest], { signal: never() }), [fn.digest])
    await rejectsWith('image_not_found', runtime.resolve(tried.programs.missing, { pull: 'missing', signal: never() }))
    await rejectsWith('image_not_found', call(runtime, { ...fn, image: tried.programs.missing, digest: other }))
  })

  it('takes nothing new once it is stopped', async () => {
    const fn = await functionOf(runtime, tried.programs.echo)
    await runtime.stop()
    await rejectsWith('stopping', call(runtime, fn))
  })

  it('ends what runs when it is stopped', async () => {
    const { promise: running, resolve } = Promise.withResolvers<void>()
    runtime.onLog(() => resolve())
    const calling = rejectsWith('stopping', call(runtime, await functionOf(runtime, tried.programs.stubborn)))
    await running
    await runtime.stop()
    assert.equal(await tried.countLeft(), 0)
    await calling
  })
}

/** A signal that nobody aborts. */
export function never(): AbortSignal {
  return new AbortController().signal
}

/** A body that goes on for ever, and says nothing. */
async function* silence(): AsyncGenerator<Uint8Array> {
  yield* await Promise.withResolvers<never[]>().promise
}

async function* silentAfter(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
  yield* silence()
}

/** More than any buffer on the way holds. */
async function* endless(): AsyncGenerator<Uint8Array> {
  while (true) yield Buffer.alloc(64 * 1024)
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function* from(chunks: readonly Uint8Array[] | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}
