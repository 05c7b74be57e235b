import { CaresError } from '../../src/model/errors.ts'
import type { FunctionRecord } from '../../src/model/function.ts'
import type { Digest, InvocationId } from '../../src/model/ids.ts'
import type { CallHead, Usage } from '../../src/model/invocation.ts'
import type { ExecutionAnswer, ExecutionCall, ImageInfo, Runtime, RuntimeUse, ServiceRun } from '../../src/model/ports/runtime.ts'

/** What a function does here: gets its input, gives its output, may wait or fail. Must honour the signal. */
export type Script = (
  input: string,
  context: {
    signal: AbortSignal
    worker: string
    head: CallHead
    /** Of a service, which says itself how it is. */
    onHealth?: ServiceRun['onHealth']
  }
) => Promise<string> | string

/** A runtime whose functions are JavaScript functions by image name, and which notes every execution that it starts. */
export class ScriptedRuntime implements Runtime {
  readonly kind = 'process'
  /** Of this machine, and of the images that are found on it. */
  arch = 'amd64'
  readonly capacity = { cpus: 4, memoryBytes: 2 ** 30, diskBytes: 2 ** 34 }
  readonly started: InvocationId[] = []
  /** Refuse this many executions as `busy` first. */
  busyCount = 0
  /** Images that are not on this machine yet. */
  readonly lacking = new Set<Digest>()
  /** Images that were sent to other peers. */
  exported = 0
  #bring: Parameters<Runtime['onMissingImage']>[0] = async () => false
  readonly #scripts: Readonly<Record<string, Script>>
  readonly #worker: string
  #running = 0

  constructor(worker: string, scripts: Readonly<Record<string, Script>>) {
    this.#worker = worker
    this.#scripts = scripts
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  async check(): Promise<{ ready: boolean; reason: string }> {
    return { ready: true, reason: 'scripted' }
  }

  async resolve(image: string): Promise<ImageInfo> {
    if (this.#scripts[image] === undefined || this.lacking.has(`sha256:${image}` as Digest))
      throw new CaresError('image_not_found', `no image ${image}`)
    return {
      image,
      digest: `sha256:${image}` as Digest,
      bytes: 1_000,
      arch: this.arch,
      contract: 'stdio',
      port: 0,
      because: 'it is scripted'
    }
  }

  async present(digests: readonly Digest[]): Promise<readonly Digest[]> {
    return digests.filter(digest => !this.lacking.has(digest))
  }

  /** An archive here is the digest itself, after some padding. */
  async exportImage(digest: Digest): Promise<AsyncIterable<Uint8Array>> {
    if (this.lacking.has(digest)) throw new CaresError('image_not_found', `no image ${digest}`)
    this.exported++
    return (async function* () {
      for (let i = 0; i < 40; i++) yield new Uint8Array(65_536)
      yield Buffer.from(digest)
    })()
  }

  async importImage(fn: FunctionRecord, archive: AsyncIterable<Uint8Array>): Promise<void> {
    const bytes = Buffer.concat(await Array.fromAsync(archive))
    if (!bytes.subarray(-fn.digest.length).equals(Buffer.from(fn.digest))) throw new CaresError('image_not_found', 'another image came')
    this.lacking.delete(fn.digest)
  }

  onMissingImage(bring: Parameters<Runtime['onMissingImage']>[0]): void {
    this.#bring = bring
  }

  async execute(fn: FunctionRecord, call: ExecutionCall, { signal }: { signal: AbortSignal; timeoutMs: number }): Promise<ExecutionAnswer> {
    if (this.busyCount > 0) {
      this.busyCount--
      throw new CaresError('busy', 'no room', { retryable: true })
    }
    const script = this.#scripts[fn.image]
    if (script === undefined) throw new CaresError('image_not_found', `no image ${fn.image}`)
    if (this.lacking.has(fn.digest) && !(await this.#bring(fn, { signal }))) throw new CaresError('image_not_found', `no image ${fn.image}`)
    this.started.push(call.invocation)
    this.#running++
    let input: Uint8Array = Buffer.alloc(0)
    const usage = (bytesOut: number): Usage => ({ queueMs: 0, pullMs: 0, startMs: 1, runMs: 1, bytesIn: input.length, bytesOut })
    try {
      input = Buffer.concat(await Array.fromAsync(call.body))
      const output = Buffer.from(await script(Buffer.from(input).toString(), { signal, worker: this.#worker, head: call.head }))
      signal.throwIfAborted()
      return {
        head: { status: 200, headers: [['content-type', 'text/plain']], start: 'cold' },
        body: (async function* () {
          for (let at = 0; at < output.length; at += 16_384) yield output.subarray(at, at + 16_384)
        })(),
        end: Promise.resolve({ usage: usage(output.length), exitCode: 0 })
      }
    } catch (error) {
      call.onFailed?.({ start: 'cold', usage: usage(0) })
      throw error
    } finally {
      this.#running--
    }
  }

  async serve(fn: FunctionRecord, { invocation, onHealth }: ServiceRun, { signal }: { signal: AbortSignal }): Promise<never> {
    const script = this.#scripts[fn.image]
    if (script === undefined) throw new CaresError('image_not_found', `no image ${fn.image}`)
    this.started.push(invocation)
    this.#running++
    try {
      await script('', { signal, worker: this.#worker, head: { method: 'GET', path: '/', query: '', headers: [] }, onHealth })
      throw new CaresError('function_failed', `${fn.name} exited with code 0`, { details: { exitCode: 0 } })
    } finally {
      this.#running--
    }
  }

  setFunctions(): void {}

  use(): RuntimeUse {
    return { running: this.#running, cpusReserved: 0, memoryReservedBytes: 0, warm: [] }
  }

  onLog(): void {}

  async prune(): Promise<[]> {
    return []
  }
}
