/**
 * What a one-shot call takes with a program waiting for it (`--prewarm`), and whether anything grows over many: calls one after the other,
 * through the runtime as a worker uses it. In turn with each call, a container that was started ahead and is asked over the engine's socket, with nothing
 * around it: when its output begins and ends, and when containerd, where it may be asked, knows of the exit: the floor of an answer that says whether
 * the program worked. With `--process`, programs instead of containers, and nothing beside them.
 * `npx node scripts/bench/one-shot.ts [--calls 100] [--prewarm 4] [--pause 400] [--process]`
 */
import { readdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { type FunctionRecord, functionKey } from '../../src/model/function.ts'
import type { InvocationId, PeerId } from '../../src/model/ids.ts'
import type { Logger } from '../../src/model/ports/logger.ts'
import { findContainerd } from '../../src/runtime/containerd.ts'
import { createRuntime } from '../../src/runtime/runtime.ts'
import { EXAMPLE_IMAGES, makeImages } from '../images.ts'
import { BareContainer } from './bare-container.ts'
import { quantile } from './measure.ts'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100' },
    prewarm: { type: 'string', default: '4' },
    pause: { type: 'string', default: '400' },
    process: { type: 'boolean', default: false }
  }
})
const calls = Number(values.calls)
const prewarm = Number(values.prewarm)
const pauseMs = Number(values.pause)
const image = values.process ? 'cat' : 'cares-example/echo'

const { signal } = new AbortController()
const silent: Logger = { error: console.error, warn: console.error, info() {}, debug() {}, child: () => silent }
const clock = createSystemClock()
const owner = { peer: '12D3KooWbenchOneShot' as PeerId, cluster: null, session: 1 }
const capacity = { cpus: 8, memoryBytes: 2 ** 31, diskBytes: 1 }
const runtime = createRuntime({ kind: values.process ? 'process' : 'docker', capacity, ...owner }, { clock, log: silent })
if (!values.process) await makeImages(EXAMPLE_IMAGES.filter(({ name }) => name === image))
await runtime.start()
const { digest, bytes } = await runtime.resolve(image, { pull: 'never', wish: { contract: 'stdio' }, signal })
const fixed = { name: 'echo', image, contract: 'stdio', port: 0, cpus: 0.1, memoryBytes: 32 * 2 ** 20, timeoutMs: 30_000 } as const
const rest = { concurrency: 1, idempotent: true, env: {}, network: 'none', revision: 1, updatedAt: '' } as const
const fn: FunctionRecord = { ...fixed, ...rest, prewarm, digest, imageBytes: bytes }
runtime.setFunctions([fn])

const idle = (): number => runtime.use().warm.find(pool => pool.function === functionKey(fn))?.idle ?? 0
const tookMs = new Map<string, number[]>()
const bare: { firstMs: number; endMs: number; exitMs: number }[] = []
const containerd = findContainerd()
const before = await held()
for (let i = 0; i < calls; i++) {
  // A call that comes while nothing waits would be a cold one; how often that happens is a matter of the rate.
  if (prewarm > 0) for (let waitedMs = 0; idle() === 0 && waitedMs < 10_000; waitedMs += 5) await clock.sleep(5)
  if (pauseMs > 0) await clock.sleep(pauseMs)
  if (!values.process) bare.push(await askBare())
  const startMs = performance.now()
  const head = { method: 'POST', path: '/', query: '', headers: [] }
  const answer = await runtime.execute(fn, { invocation: 'i-bench' as InvocationId, head, body: input() }, { signal, timeoutMs: 30_000 })
  for await (const chunk of answer.body) void chunk
  await answer.end
  const list = tookMs.get(answer.head.start) ?? []
  tookMs.set(answer.head.start, list)
  list.push(performance.now() - startMs)
}
const show = (name: string, list: readonly number[], aim = ''): void => {
  const at = (share: number): string => `${quantile(list, share).toFixed(1)} ms`
  console.log(`${name}: ${list.length} calls, p10 ${at(0.1)}, p50 ${at(0.5)}, p99 ${at(0.99)}${aim}`)
}
console.log(`load ${loadavg()[0]?.toFixed(1)}`)
for (const [start, list] of tookMs) show(start, list, start === 'prewarmed' ? ' (aim p50 5, p99 20)' : '')
if (bare.length > 0) {
  show(
    'the engine by itself, until the output begins',
    bare.map(({ firstMs }) => firstMs)
  )
  show(
    'the engine by itself, until the output ends',
    bare.map(({ endMs }) => endMs)
  )
  const exits = bare.map(({ exitMs }) => exitMs).filter(ms => !Number.isNaN(ms))
  show('the engine by itself, until containerd knows of the exit', exits)
  const added = quantile(tookMs.get('prewarmed') ?? [], 0.5) - quantile(exits, 0.5)
  console.log(`added to that by CARES: p50 ${added.toFixed(1)} ms`)
}
containerd?.close()
runtime.setFunctions([])
while (runtime.use().memoryReservedBytes > 0) await clock.sleep(20)
const after = await held()
console.log(`before: ${before}\nafter:  ${after}`)
await runtime.stop()

async function askBare(): Promise<{ firstMs: number; endMs: number; exitMs: number }> {
  const container = await BareContainer.start(image, fn.memoryBytes)
  // Until its program has come to its input.
  await clock.sleep(Math.max(pauseMs, 100))
  const took = await container.ask('hello\n', containerd)
  await container.remove()
  return took
}

/** What this process holds, once the garbage is gone. */
async function held(): Promise<string> {
  await clock.sleep(500)
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const { length: handles } = readdirSync('/proc/self/fd')
  return `heap ${(heapUsed / 2 ** 20).toFixed(1)} MiB, resident ${(rss / 2 ** 20).toFixed(0)} MiB, ${handles} handles`
}

async function* input(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('hello\n')
}
