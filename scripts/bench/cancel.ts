/**
 * How long the container of a call lives on after its client has gone, and where that time goes: over two peers, the client at one of them and the
 * container at the other, with an engine whose events tell when each step happened. In turn with each, the bare removal of such a container, by force,
 * as `docker rm -f` does it. `cares-test/hang` does not hear SIGTERM. It needs a Docker engine.
 * `npx node scripts/bench/cancel.ts [ROUNDS]`
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { Cluster, upload } from '../../test/e2e/cluster.ts'
import { makeImages, TEST_IMAGES } from '../images.ts'
import { quantile } from './measure.ts'

const IMAGE = 'cares-test/hang'
const MEMORY_BYTES = 32 * 2 ** 20
const rounds = Number(process.argv[2] ?? 20)

/** What happened to a container, and when, in milliseconds since the epoch. */
interface Step {
  readonly container: string
  readonly name: string
  readonly action: string
  readonly atMs: number
}

interface EngineEvent {
  readonly id: string
  readonly Action: string
  readonly Actor: { readonly Attributes: { readonly name: string } }
  readonly timeNano: number
}

const engine = new Docker()
await makeImages(TEST_IMAGES.filter(({ name }) => name === IMAGE))
const steps: Step[] = []
const events = await engine.getEvents({ filters: { type: ['container'] } })
let told = Promise.withResolvers<void>()
let begun = ''
events.setEncoding('utf8')
events.on('data', (text: string) => {
  const lines = (begun + text).split('\n')
  begun = lines.pop() ?? ''
  for (const line of lines) {
    const { id, Action, Actor, timeNano } = JSON.parse(line) as EngineEvent
    steps.push({ container: id, name: Actor.Attributes.name, action: Action, atMs: timeNano / 1e6 })
  }
  told.resolve()
  told = Promise.withResolvers()
})

const cluster = await Cluster.start({ runtime: 'docker', peers: 2, flags: ['--open', '--cpus', '4', '--memory', '1Gi'] })
try {
  const [gateway, worker] = [cluster.peer('peer-0'), cluster.peer('peer-1')]
  await upload(cluster, gateway, { name: 'endless', image: IMAGE, contract: 'stdio', memoryBytes: MEMORY_BYTES, timeoutMs: 600_000 })
  const cares: { noticedMs: number; diedMs: number; goneMs: number }[] = []
  const bare: number[] = []
  // The first round fills caches and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const ours = await byClient(gateway.api, worker.name)
    const theirs = await byEngine()
    if (round === 0) continue
    cares.push(ours)
    bare.push(theirs)
  }
  console.log(`${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}; after the client has gone:`)
  show(
    'the worker acts (the engine is asked to end it)',
    cares.map(({ noticedMs }) => noticedMs)
  )
  show(
    'its program is dead',
    cares.map(({ diedMs }) => diedMs)
  )
  show(
    'its container is gone',
    cares.map(({ goneMs }) => goneMs)
  )
  show('the bare removal of one, by force', bare)
} finally {
  await cluster.stop()
  ;(events as unknown as { destroy(): void }).destroy()
}

async function byClient(api: string, worker: string): Promise<{ noticedMs: number; diedMs: number; goneMs: number }> {
  const from = steps.length
  const client = new AbortController()
  const call = fetch(`${api}/fn/endless`, { method: 'POST', body: 'x', signal: client.signal, headers: { 'x-cares-on': worker } })
  const { container } = await step(({ action, name }) => action === 'start' && name.startsWith('cares-endless-'), from)
  // Until the start is over for the peer as well.
  await sleep(250)
  const goneAtMs = Date.now()
  client.abort()
  await call.catch(() => {}) // It was aborted.
  const after = async (...actions: readonly string[]): Promise<number> =>
    (await step(one => one.container === container && actions.includes(one.action), from)).atMs - goneAtMs
  return { goneMs: await after('destroy'), noticedMs: await after('kill', 'die'), diedMs: await after('die') }
}

async function byEngine(): Promise<number> {
  const HostConfig = { Memory: MEMORY_BYTES, MemorySwap: MEMORY_BYTES, NetworkMode: 'none', LogConfig: { Type: 'none', Config: {} } }
  const container = await engine.createContainer({ Image: IMAGE, HostConfig })
  await container.start()
  await sleep(250)
  const startMs = Date.now()
  await container.remove({ force: true })
  return Date.now() - startMs
}

/** The first step that is such a one, among those from `from` on, or when it happens. */
async function step(isIt: (step: Step) => boolean, from: number): Promise<Step> {
  for (;;) {
    const found = steps.slice(from).find(isIt)
    if (found !== undefined) return found
    await told.promise
  }
}

function show(name: string, ms: readonly number[]): void {
  const at = (share: number): string => `${quantile(ms, share).toFixed(0)} ms`
  console.log(`${name.padEnd(50)} p10 ${at(0.1)}  p50 ${at(0.5)}  p99 ${at(0.99)}`)
}
