// How long a cold one-shot call takes, against `docker run --rm` of the same image: pairs, interleaved, so that both meet the same machine.
// Run it with `node scripts/bench/cold-start.ts [PAIRS]`; it needs a Docker engine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { FunctionRecord } from '../../src/model/function.ts'
import type { InvocationId, PeerId } from '../../src/model/ids.ts'
import type { Logger } from '../../src/model/ports/logger.ts'
import { createRuntime } from '../../src/runtime/runtime.ts'
import { EXAMPLE_IMAGES, makeImages } from '../images.ts'

const IMAGE = 'cares-example/echo'
const INPUT = 'hello\n'
const MEMORY_BYTES = 64 * 2 ** 20
const pairs = Number(process.argv[2] ?? 15)

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

const rows: { cares: number; docker: number }[] = []
// The first pair fills caches and is not counted.
for (let pair = 0; pair <= pairs; pair++) {
  const isCaresFirst = pair % 2 === 0
  const first = await (isCaresFirst ? byCares() : byDocker())
  const second = await (isCaresFirst ? byDocker() : byCares())
  if (pair > 0) rows.push(isCaresFirst ? { cares: first, docker: second } : { cares: second, docker: first })
}
await runtime.stop()

const show = (name: string, values: number[], unit: string, digits: number): void => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (ratio: number): string => (sorted[Math.floor((sorted.length - 1) * ratio)] ?? Number.NaN).toFixed(digits)
  console.log(`${name.padEnd(18)} p50 ${at(0.5)}${unit}  p10 ${at(0.1)}${unit}  p90 ${at(0.9)}${unit}`)
}
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
  'ratio of a pair',
  rows.map(({ cares, docker }) => cares / docker),
  '',
  2
)

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
