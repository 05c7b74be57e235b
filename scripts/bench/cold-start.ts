/**
 * How long a cold one-shot call takes, against `docker run --rm` of the same image, and against what the engine takes by itself (create, attach, start,
 * input, end of output): rounds of the three in changing order, so that all meet the same machine. It needs a Docker engine.
 * `npx node scripts/bench/cold-start.ts [ROUNDS]`
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { FunctionRecord } from '../../src/model/function.ts'
import type { InvocationId, PeerId } from '../../src/model/ids.ts'
import type { Logger } from '../../src/model/ports/logger.ts'
import { createRuntime } from '../../src/runtime/runtime.ts'
import { EXAMPLE_IMAGES, makeImages } from '../images.ts'
import { BareContainer } from './bare-container.ts'
import { quantile } from './measure.ts'

const IMAGE = 'cares-example/echo'
const INPUT = 'hello\n'
const MEMORY_BYTES = 64 * 2 ** 20
const rounds = Number(process.argv[2] ?? 15)

const signal = new AbortController().signal
const silent: Logger = { error: console.error, warn: console.error, info: () => {}, debug: () => {}, child: () => silent }
const owner = { peer: '12D3KooWbenchColdStart' as PeerId, cluster: null, session: 1 }
const capacity = { cpus: 4, memoryBytes: 2 ** 31, diskBytes: 1 }
const runtime = createRuntime({ kind: 'docker', capacity, ...owner }, { clock: createSystemClock(), log: silent })

await makeImages(EXAMPLE_IMAGES.filter(({ name }) => name === IMAGE))
await runtime.start()
const { digest, bytes } = await runtime.resolve(IMAGE, { pull: 'never', signal })
const shared = { name: 'echo', image: IMAGE, contract: 'stdio', port: 0, cpus: 1, memoryBytes: MEMORY_BYTES, timeoutMs: 30_000 } as const
const rest = { concurrency: 1, prewarm: 0, idempotent: true, env: {}, network: 'none', revision: 1, updatedAt: '' } as const
const fn: FunctionRecord = { ...shared, ...rest, digest, imageBytes: bytes }

const ways = { cares: byCares, docker: byDocker, engine: byEngine }
const names = ['cares', 'docker', 'engine'] as const
const rows: Record<(typeof names)[number], number>[] = []
// The first round fills caches and is not counted.
for (let round = 0; round <= rounds; round++) {
  const row = { cares: 0, docker: 0, engine: 0 }
  for (let turn = 0; turn < names.length; turn++) {
    const name = names[(round + turn) % names.length] ?? 'cares'
    row[name] = await ways[name]()
  }
  if (round > 0) rows.push(row)
}
await runtime.stop()

const show = (name: string, values: readonly number[], unit: string, digits: number): void => {
  const at = (share: number): string => `${quantile(values, share).toFixed(digits)}${unit}`
  console.log(`${name.padEnd(28)} p50 ${at(0.5)}  p10 ${at(0.1)}  p90 ${at(0.9)}`)
}
console.log(`${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}`)
show(
  'CARES, cold',
  rows.map(({ cares }) => cares),
  ' ms',
  0
)
show(
  'docker run --rm',
  rows.map(({ docker }) => docker),
  ' ms',
  0
)
show(
  'the engine by itself',
  rows.map(({ engine }) => engine),
  ' ms',
  0
)
show(
  'CARES ÷ docker run (aim 0.9)',
  rows.map(({ cares, docker }) => cares / docker),
  '',
  2
)
show(
  'CARES ÷ engine (aim 1.05)',
  rows.map(({ cares, engine }) => cares / engine),
  '',
  2
)

async function byEngine(): Promise<number> {
  const startedMs = performance.now()
  const container = await BareContainer.start(IMAGE, MEMORY_BYTES)
  await container.ask(INPUT)
  const tookMs = performance.now() - startedMs
  await container.remove()
  return tookMs
}

async function byCares(): Promise<number> {
  const startedMs = performance.now()
  const head = { method: 'POST', path: '/', query: '', headers: [] }
  const answer = await runtime.execute(fn, { invocation: 'i-bench' as InvocationId, head, body: input() }, { signal, timeoutMs: 30_000 })
  for await (const chunk of answer.body) void chunk
  await answer.end
  return performance.now() - startedMs
}

async function byDocker(): Promise<number> {
  const startedMs = performance.now()
  const limits = ['--network', 'none', '--memory', String(MEMORY_BYTES), '--memory-swap', String(MEMORY_BYTES), '--cpus', '1']
  const safety = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--pids-limit', '512', '--log-driver', 'none']
  const child = spawn('docker', ['run', '--rm', '-i', ...limits, ...safety, IMAGE], { stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin.end(INPUT)
  await once(child, 'exit')
  return performance.now() - startedMs
}

async function* input(): AsyncGenerator<Uint8Array> {
  yield Buffer.from(INPUT)
}
