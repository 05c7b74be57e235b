/**
 * What CARES adds to a warm call: through a gateway that is not the orchestrator, placed by the orchestrator, on a worker on a third peer, against the
 * same request sent straight to the worker's container. The two are measured in turn, so that what disturbs the one disturbs the other. So is what the
 * four messages of such a call cost by themselves: the same way through three processes over bare TCP.
 *
 *   npm run bench                  or: npx node scripts/bench/two-hop.ts [CALLS]
 *
 * Needs a Docker engine and the images of scripts/images.ts. The aim is at most 2 ms added at the median.
 */
import { Agent, request } from 'node:http'
import Docker from 'dockerode'
import { ask, Cluster, upload } from '../../test/e2e/cluster.ts'
import { quantile } from './measure.ts'
import { Relay } from './relay.ts'

const CALLS = Number(process.argv[2] ?? 2_000)
/** Left out of the result: connections open, and the compiler warms up. */
const WARM_UP_CALLS = 200
const BODY = Buffer.alloc(1_024, 'x')

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/** Milliseconds from the request to the last byte of its answer. */
async function timeCall(url: URL, headers: Record<string, string>): Promise<number> {
  const startedAt = performance.now()
  await new Promise<void>((resolve, reject) => {
    const call = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': BODY.length } }, response => {
      response.resume()
      response.once('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`${url.href} answered ${response.statusCode}`))
      })
    })
    call.once('error', reject)
    call.end(BODY)
  })
  return performance.now() - startedAt
}

/** Where the only container of `function` on the peer `id` serves. */
async function containerUrl(id: string): Promise<URL> {
  const engine = new Docker()
  const [container] = await engine.listContainers({ filters: { label: [`io.cares.peer=${id}`, 'io.cares.kind=http'] } })
  if (container === undefined) throw new Error('the worker has no warm container')
  const { NetworkSettings } = await engine.getContainer(container.Id).inspect()
  const [network] = Object.values(NetworkSettings.Networks)
  return new URL(`http://${network?.IPAddress}:8080/echo`)
}

const cluster = await Cluster.start({ runtime: 'docker' })
const relay = await Relay.start()
try {
  const orchestrator = await cluster.settled()
  const [gateway, worker] = cluster.alive.filter(peer => peer !== orchestrator)
  if (gateway === undefined || worker === undefined) throw new Error('three peers are needed')
  await upload(cluster, gateway, { name: 'web', image: 'cares-example/web', contract: 'http', concurrency: 8 })
  const on = { 'x-cares-on': worker.name }
  const { headers, text } = await ask(gateway, '/fn/web/echo', { method: 'POST', body: 'x', headers: on })
  if (headers.get('x-cares-peer') !== worker.id) throw new Error(`the call did not run on ${worker.name}: ${text}`)

  const through = new URL('/fn/web/echo', gateway.api)
  const direct = await containerUrl(worker.id)
  const samples = { through: [] as number[], direct: [] as number[], added: [] as number[], messages: [] as number[] }
  for (let i = -WARM_UP_CALLS; i < CALLS; i++) {
    const throughMs = await timeCall(through, on)
    const directMs = await timeCall(direct, {})
    const messagesMs = await relay.time()
    if (i < 0) continue
    samples.through.push(throughMs)
    samples.direct.push(directMs)
    samples.added.push(throughMs - directMs)
    samples.messages.push(messagesMs)
  }
  console.log(
    `${CALLS} calls each, 1 KiB there and back, one at a time: gateway, orchestrator and worker are three processes of this machine`
  )
  for (const [name, values] of Object.entries(samples)) {
    console.log(`${name.padEnd(8)} p50 ${quantile(values, 0.5).toFixed(2)} ms   p99 ${quantile(values, 0.99).toFixed(2)} ms`)
  }
} finally {
  agent.destroy()
  relay.stop()
  await cluster.stop()
}
