import { createApi } from '../../src/api/api.ts'
import type { FunctionRecord } from '../../src/model/function.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { ExecutionAnswer, ExecutionCall, RuntimeUse } from '../../src/model/ports/runtime.ts'
import { type Machine, MemoryCluster } from '../../test/daemon/memory-cluster.ts'
import { ScriptedRuntime } from '../../test/support/scripted-runtime.ts'

const GI = 2 ** 30

/** Unlike machines, as people have them: a few cores at home, a large one that costs, an old one. `speed`: of one core, 1 is the usual one. */
const MACHINES = [
  { name: 'atlas', cpus: 8, memoryBytes: 32 * GI, speed: 1.2, usdPerHour: 0.09, busy: 0.22 },
  { name: 'birch', cpus: 4, memoryBytes: 8 * GI, speed: 1, usdPerHour: 0.03, busy: 0.35 },
  { name: 'cedar', cpus: 16, memoryBytes: 64 * GI, speed: 1.6, usdPerHour: 0.42, busy: 0.12 },
  { name: 'dogwood', cpus: 4, memoryBytes: 4 * GI, speed: 0.5, usdPerHour: 0.02, busy: 0.5 },
  { name: 'elm', cpus: 2, memoryBytes: 4 * GI, speed: 0.8, usdPerHour: 0.01, busy: 0.15 }
] as const

/** What the functions of the pictures take, in milliseconds on a usual core, and how large their images are. */
const FUNCTIONS = {
  'acme/thumb:1.4': { runMs: 180, memoryBytes: 90 * 2 ** 20, imageBytes: 43 * 2 ** 20 },
  'acme/ocr:2': { runMs: 640, memoryBytes: 210 * 2 ** 20, imageBytes: 112 * 2 ** 20 },
  'acme/markdown:7': { runMs: 35, memoryBytes: 24 * 2 ** 20, imageBytes: 8 * 2 ** 20 }
} as const

/** Starting a container, on a usual core. */
const START_MS = 140

type Spec = (typeof MACHINES)[number]

/** Runs nothing, and takes the time that the function would take on its machine. */
class PicturedRuntime extends ScriptedRuntime {
  override readonly capacity
  readonly #spec: Spec
  #use: RuntimeUse = { running: 0, cpusReserved: 0, memoryReservedBytes: 0, warm: [] }

  constructor(spec: Spec) {
    super(spec.name, {})
    this.#spec = spec
    this.capacity = { cpus: spec.cpus, memoryBytes: spec.memoryBytes, diskBytes: 200 * GI }
  }

  override async resolve(image: string) {
    const { imageBytes } = FUNCTIONS[image as keyof typeof FUNCTIONS]
    const digest = `sha256:${Buffer.from(image).toString('hex').padEnd(64, '0')}` as const
    return { image, digest, bytes: imageBytes, arch: 'amd64', contract: 'stdio', port: 0, because: 'it reads stdin' } as Awaited<
      ReturnType<ScriptedRuntime['resolve']>
    >
  }

  override async execute(
    fn: FunctionRecord,
    call: ExecutionCall,
    { signal }: { signal: AbortSignal; timeoutMs: number }
  ): Promise<ExecutionAnswer> {
    const { runMs: usualMs, memoryBytes } = FUNCTIONS[fn.image as keyof typeof FUNCTIONS]
    const { speed } = this.#spec
    const input = Buffer.concat(await Array.fromAsync(call.body))
    this.#change(fn, 1)
    try {
      const startMs = (START_MS / speed) * (0.9 + 0.2 * Math.random())
      const runMs = (usualMs / speed) * (0.85 + 0.3 * Math.random())
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, startMs + runMs)
        signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)))
      })
      const usage = {
        queueMs: 0,
        pullMs: 0,
        startMs,
        runMs,
        cpuMs: runMs * 0.9,
        memoryPeakBytes: memoryBytes,
        bytesIn: input.length,
        bytesOut: 2_000
      }
      return {
        head: { status: 200, headers: [['content-type', 'text/plain']], start: 'cold' },
        body: (async function* () {
          yield Buffer.alloc(2_000, '.')
        })(),
        end: Promise.resolve({ usage, exitCode: 0 })
      }
    } finally {
      this.#change(fn, -1)
    }
  }

  override use(): RuntimeUse {
    return this.#use
  }

  /** Of the machine: what runs, and what its people do besides. */
  async sample(): Promise<{ cpusUsed: number; memoryUsedBytes: number; diskUsedBytes: number }> {
    const { cpus, memoryBytes, busy, name } = this.#spec
    const wave = 1 + 0.35 * Math.sin(Date.now() / 17_000 + name.length) + 0.2 * Math.sin(Date.now() / 3_100 + name.charCodeAt(0))
    const { running, memoryReservedBytes } = this.#use
    return {
      cpusUsed: Math.min(cpus, busy * wave * cpus + 0.45 * running),
      memoryUsedBytes: Math.min(memoryBytes, (0.25 + busy / 2) * memoryBytes + 0.6 * memoryReservedBytes),
      diskUsedBytes: 60 * GI
    }
  }

  #change(fn: FunctionRecord, by: 1 | -1): void {
    const { running, cpusReserved, memoryReservedBytes } = this.#use
    this.#use = {
      running: running + by,
      cpusReserved: cpusReserved + by * fn.cpus,
      memoryReservedBytes: memoryReservedBytes + by * fn.memoryBytes,
      warm: []
    }
  }
}

/** A cluster of {@link MACHINES} with the functions of the pictures, and the API of its first peer. */
export async function startMachines(): Promise<{ api: string; functions: readonly string[]; stop: () => Promise<void> }> {
  const runtimes = new Map(MACHINES.map((spec, at) => [`peer-${at + 1}`, new PicturedRuntime(spec)]))
  const machines = new Map(
    MACHINES.map(({ name, usdPerHour }, at): [string, Machine] => {
      const runtime = runtimes.get(`peer-${at + 1}`)
      if (runtime === undefined) throw new Error(`no machine ${name}`)
      const profile = { name, usdPerHour, runtime: 'docker', version: '0.1.0', api: `${name}:7070` } as const
      return [`peer-${at + 1}`, { runtime, profile, sample: () => runtime.sample() }]
    })
  )
  const cluster = new MemoryCluster({}, { machineOf: (id: PeerId) => machines.get(id) ?? {} })
  await cluster.start(MACHINES.length)
  const { service } = cluster.orchestrator
  const api = createApi({ host: '127.0.0.1', port: 0 }, { service, clock: cluster.clock, log: cluster.log })
  await api.start()
  const names: string[] = []
  for (const image of Object.keys(FUNCTIONS)) {
    const name = image.replace(/^acme\/|:.*$/g, '')
    await service.putFunction({ name, image }, { signal: AbortSignal.timeout(10_000) })
    names.push(name)
  }
  return {
    api: api.url,
    functions: names,
    stop: async () => {
      await api.stop()
      await cluster.stop()
    }
  }
}
