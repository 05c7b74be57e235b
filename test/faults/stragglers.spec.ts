import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, upload } from '../e2e/cluster.ts'
import { startClients } from './clients.ts'
import { History } from './history.ts'
import { freePort, SlowWire, type WireQuality } from './slow-wire.ts'
import { voters } from './states.ts'

const SOME = 20
/** Breaks of every connection, and how long new ones have between them. */
const RESETS = 6
const BETWEEN_MS = 700
/** Clients give their calls a minute; nothing here may take so long. */
const ANSWERED_WITHIN_MS = 30_000

const QUALITIES: readonly (readonly [name: string, quality: WireQuality])[] = [
  ['late', { delayMs: 120 }],
  ['lost and sent again after seconds', { delayMs: 10, stallRatio: 0.01, stallMs: 3_000 }],
  ['throttled', { bytesPerS: 131_072 }]
]

describe('a network that straggles', () => {
  it('delays, loses, throttles and breaks what peers say: nothing is lost or run twice, and all agree afterwards', async () => {
    const wires = new Map<string, SlowWire>()
    const flagsOf = async (name: string): Promise<readonly string[]> => {
      const port = await freePort()
      const wire = await SlowWire.to(port)
      wires.set(name, wire)
      return ['--listen', `/ip4/127.0.0.1/tcp/${port}`, '--announce', `/ip4/127.0.0.1/tcp/${wire.port}`]
    }
    let cluster: Cluster | undefined
    try {
      cluster = await Cluster.start({ flagsOf })
      const { alive } = cluster
      const history = new History(cluster)
      await upload(cluster, await voters(cluster, 3), history.countingFunction)
      await using clients = startClients(history, () => alive)
      for (const [name, quality] of QUALITIES) {
        const late = lateCount(wires)
        for (const wire of wires.values()) wire.quality = quality
        await clients.answered(2 * SOME)
        assert.ok(lateCount(wires) > late, `nothing was ${name}`)
      }
      for (const wire of wires.values()) wire.quality = {}
      for (let i = 0; i < RESETS; i++) {
        for (const wire of wires.values()) wire.reset()
        await sleep(BETWEEN_MS)
      }
      await voters(cluster, 3)
      await clients.answered(SOME)
      await clients.stop()
      await cluster.settled()
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
      assert.deepEqual(
        history.operations.filter(({ tookMs }) => tookMs > ANSWERED_WITHIN_MS),
        []
      )
      assert.ok(history.count('call', 'ok') > SOME)
    } finally {
      await cluster?.stop()
      await Promise.all([...wires.values()].map(wire => wire.close()))
    }
  })
})

function lateCount(wires: ReadonlyMap<string, SlowWire>): number {
  return [...wires.values()].reduce((sum, wire) => sum + wire.lateCount, 0)
}
