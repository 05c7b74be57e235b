import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { ask, Cluster, type Reply, upload } from '../e2e/cluster.ts'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'
import { voters } from './states.ts'

/** Calls of each function: more than the gateway and the orchestrator would take by themselves, with a worker that is as idle as they are. */
const CALLS = 9
/** How long each runs: long enough to be still at it when its worker freezes. */
const RUN_S = 3

interface Call {
  readonly id: string
  readonly reply: Promise<Reply>
}

describe('SIGSTOP of a worker, with calls in flight', () => {
  it('moves those that may be repeated, ends the others with a clear word, and starts none of these twice', async () => {
    const cluster = await Cluster.start()
    try {
      const orchestrator = await voters(cluster, 3)
      const [gateway, worker] = cluster.alive.filter(peer => peer !== orchestrator)
      assert.ok(gateway !== undefined && worker !== undefined)
      const starts = cluster.dataOf('starts')
      // Each start is written down with the process of the peer that runs it.
      const image = (name: string): string => `sh -c 'read id; echo $id $PPID >> ${starts}-${name}; sleep ${RUN_S}; echo $id'`
      for (const name of ['once', 'again'])
        await upload(cluster, gateway, { name, image: image(name), contract: 'stdio', idempotent: name === 'again', timeoutMs: 60_000 })
      /** What has started of a function: each call's id and the peer that ran it. */
      const started = async (name: string): Promise<readonly { id: string; pid: number }[]> => {
        const text = await readFile(`${starts}-${name}`, 'utf8').catch(() => '')
        return text
          .split('\n')
          .filter(line => line !== '')
          .map(line => ({ id: line.split(' ')[0] ?? '', pid: Number(line.split(' ')[1]) }))
      }
      const calls = Object.fromEntries(['once', 'again'].map(name => [name, callAll(gateway, name)])) as Record<'once' | 'again', Call[]>
      const isOnWorker = ({ pid }: { pid: number }): boolean => pid === worker.pid
      await eventually('calls of both functions run on the worker', async () => {
        const [once, again] = await Promise.all([started('once'), started('again')])
        return once.some(isOnWorker) && again.some(isOnWorker) ? true : undefined
      })
      worker.signal('SIGSTOP')
      // All of them end while it stands still: nobody waits for it to come back.
      const again = await allOf(calls.again)
      const once = await allOf(calls.once)
      assert.deepEqual(
        again.filter(([id, { text }]) => text.trim() !== id),
        [],
        'each of those that may be repeated has its answer'
      )
      const lost = once.filter(([, { status }]) => status !== 200)
      assert.ok(lost.length > 0, 'none of the others was on the worker')
      for (const [id, { status, problem }] of lost)
        assert.deepEqual([status, problem?.code, problem?.['execution']], [502, 'peer_lost', 'unknown'], id)
      worker.signal('SIGCONT')
      await cluster.settled()
      const ids = (await started('once')).map(({ id }) => id)
      assert.equal(new Set(ids).size, ids.length, 'none of those that may run once has run twice')
      const moved = (await started('again')).filter(isOnWorker).map(({ id }) => id)
      assert.ok(moved.length > 0)
    } finally {
      for (const peer of cluster.alive) peer.signal('SIGCONT')
      await cluster.stop()
    }
  })
})

async function allOf(calls: readonly Call[]): Promise<readonly (readonly [id: string, reply: Reply])[]> {
  return await Promise.all(calls.map(async ({ id, reply }) => [id, await reply] as const))
}

function callAll(gateway: PeerProcess, name: string): Call[] {
  return Array.from({ length: CALLS }, (_, i) => {
    const id = `${name}-${i}`
    return { id, reply: ask(gateway, `/fn/${name}`, { method: 'POST', body: `${id}\n` }) }
  })
}
