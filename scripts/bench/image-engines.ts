/**
 * What an image takes from one Docker engine to another, by a cluster and by `docker save | docker load`: the same two engines, the same image, in turn.
 * Both times end when the second engine has the image. Beside them what the two engines take by themselves, one after the other: to write the archive,
 * and to load it from a file; no transfer is quicker than the slower of the two. Needs root, since it starts an engine of its own.
 *
 *   npx node scripts/bench/image-engines.ts [ROUNDS]
 */
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { ask, Cluster, upload } from '../../test/e2e/cluster.ts'
import { SecondEngine } from '../../test/e2e/second-engine.ts'
import { type ImageRecipe, makeImages } from '../images.ts'
import { cpuSeconds, quantile } from './measure.ts'

const [ROUNDS = 3] = process.argv.slice(2).map(Number)
/** So long a peer keeps the archive of an image that it has sent: within it the first engine would not be asked again. */
const ARCHIVE_KEPT_MS = 31_000

const RECIPE: ImageRecipe = { name: 'cares-bench/large', about: 'a large one-shot program', base: 'node', command: ['cat'] }

const near = new Docker()
await makeImages([RECIPE])
const { Id: digest, Size: bytes } = await near.getImage(RECIPE.name).inspect()
const folder = await mkdtemp(join(tmpdir(), 'cares-bench-engines-'))
const second = await SecondEngine.start()
const cluster = await Cluster.start({ runtime: 'docker', peers: 1 })
try {
  const taker = await cluster.add('far', [], { DOCKER_HOST: second.host })
  await cluster.settled()
  const holder = cluster.peer('peer-0')
  await upload(cluster, holder, { name: 'large', image: RECIPE.name, contract: 'stdio', memoryBytes: 64 * 2 ** 20, timeoutMs: 300_000 })
  const rows: { peersMs: number; engineMs: number }[] = []
  console.log(`${(bytes / 1e6).toFixed(0)} MB, ${ROUNDS} rounds`)
  for (let round = 0; round < ROUNDS; round++) {
    const spentBefore = cpuSeconds(holder.pid) + cpuSeconds(taker.pid)
    const { peersMs, engineMs } =
      round % 2 === 0
        ? { peersMs: await byPeers(), engineMs: await byEngines() }
        : await byEngines().then(async engineMs => ({ engineMs, peersMs: await byPeers() }))
    const cpu = cpuSeconds(holder.pid) + cpuSeconds(taker.pid) - spentBefore
    rows.push({ peersMs, engineMs })
    const { saveMs, loadMs } = await alone()
    const rate = (ms: number): string => `${(ms / 1e3).toFixed(1)} s, ${(bytes / ms / 1e3).toFixed(0)} MB/s`
    console.log(
      `by peers ${rate(peersMs)} (${cpu.toFixed(1)} s of CPU, both); save | load ${rate(engineMs)}; save alone ${rate(saveMs)}; load alone ${rate(loadMs)}; load ${loadavg()[0]?.toFixed(0)}`
    )
    if (round < ROUNDS - 1) await sleep(ARCHIVE_KEPT_MS)
  }
  const ratios = rows.map(({ peersMs, engineMs }) => peersMs / engineMs)
  console.log(`by peers ÷ save | load: median ${quantile(ratios, 0.5).toFixed(2)}, least ${Math.min(...ratios).toFixed(2)} (aim 1.5)`)

  /** As the worker says it: what it waited for the image. */
  async function byPeers(): Promise<number> {
    const { status, headers, text } = await ask(holder, '/fn/large', { method: 'POST', body: 'x', headers: { 'x-cares-on': 'far' } })
    const pullMs = Number(/\bpull;dur=([\d.]+)/.exec(headers.get('server-timing') ?? '')?.[1])
    if (status !== 200 || !(pullMs > 0)) throw new Error(`the image did not travel: ${status} ${text} ${headers.get('server-timing')}`)
    await forget()
    return pullMs
  }

  async function byEngines(): Promise<number> {
    const startedAtMs = performance.now()
    await load(await near.getImage(digest).get())
    const tookMs = performance.now() - startedAtMs
    await forget()
    return tookMs
  }

  async function alone(): Promise<{ saveMs: number; loadMs: number }> {
    const path = join(folder, 'archive.tar')
    const startedAtMs = performance.now()
    await pipeline(await near.getImage(digest).get(), createWriteStream(path))
    const savedAtMs = performance.now()
    await load(createReadStream(path, { highWaterMark: 2 ** 18 }))
    const loadMs = performance.now() - savedAtMs
    await forget()
    return { saveMs: savedAtMs - startedAtMs, loadMs }
  }

  async function load(archive: NodeJS.ReadableStream): Promise<void> {
    const progress = await second.docker.loadImage(archive, { quiet: true })
    progress.resume()
    await once(progress, 'end')
    await second.docker.getImage(digest).inspect()
  }

  /** The second engine has it no more. The container of the call may still be on its way out. */
  async function forget(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await second.docker.getImage(digest).remove({ force: true })
        return
      } catch (error) {
        if (tries >= 20) throw error
        await sleep(250)
      }
    }
  }
} finally {
  await cluster.stop()
  await second.stop()
  await rm(folder, { recursive: true })
}
