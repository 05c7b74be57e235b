import assert from 'node:assert/strict'
import type { PeerId } from '../../src/model/ids.ts'
import { ConnectionMonitor, PING_INTERVAL_MS, PING_TIMEOUT_MS } from '../../src/network/connection-monitor.ts'
import { createTestLog } from '../support/test-log.ts'
import { ManualClock } from '../support/manual-clock.ts'

const PEER = 'peer' as PeerId

type Ping = (peer: PeerId, options: { signal: AbortSignal }) => Promise<void>

const silence: Ping = (_, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))

/** What was cut while `ms` passed on `clock`. */
async function watch(
  ping: Ping,
  ms: number,
  clock = new ManualClock(),
  heardAtMs = (): number => Number.NEGATIVE_INFINITY
): Promise<{ cuts: number; pings: number }> {
  let cuts = 0
  let pings = 0
  const monitor = new ConnectionMonitor({
    clock,
    log: createTestLog(),
    connected: () => (cuts === 0 ? [PEER] : []),
    heardAtMs,
    ping: (...args) => {
      pings += 1
      return ping(...args)
    },
    cut: () => (cuts += 1)
  })
  await monitor.start()
  await clock.pass(ms)
  await monitor.stop()
  return { cuts, pings }
}

describe('connection monitor', () => {
  it('pings every connection again and again, and leaves those alone that answer', async () => {
    assert.deepEqual(await watch(async () => {}, 10 * PING_INTERVAL_MS), { cuts: 0, pings: 10 })
  })

  it('cuts a connection on which nothing answers in time, and not a moment before', async () => {
    assert.deepEqual(await watch(silence, PING_INTERVAL_MS + PING_TIMEOUT_MS - 1), { cuts: 0, pings: 1 })
    assert.deepEqual(await watch(silence, PING_INTERVAL_MS + PING_TIMEOUT_MS), { cuts: 1, pings: 1 })
  })

  it('takes any other failure for a sign of life', async () => {
    assert.equal((await watch(() => Promise.reject(new Error('protocol not supported')), 3 * PING_INTERVAL_MS)).cuts, 0)
  })

  it('waits longer for a while when answers come late, and not for ever', async () => {
    /** The first answer takes almost as long as there is time between two pings, then nobody answers. */
    const slow = async (ms: number): Promise<{ cuts: number; pings: number }> => {
      const clock = new ManualClock()
      let asked = 0
      return watch((peer, options) => (asked++ === 0 ? clock.sleep(1_900) : silence(peer, options)), ms, clock)
    }
    const secondAtMs = 2 * PING_INTERVAL_MS
    assert.deepEqual(await slow(secondAtMs + PING_TIMEOUT_MS + 3_700), { cuts: 0, pings: 2 })
    assert.deepEqual(await slow(secondAtMs + PING_TIMEOUT_MS + 3_800), { cuts: 1, pings: 2 })
  })

  it('lets a connection be on which the peer is heard, be it without an answer', async () => {
    const clock = new ManualClock()
    assert.equal((await watch(silence, 4 * PING_INTERVAL_MS, clock, () => clock.nowMs())).cuts, 0)
  })

  it('does not ask who is heard anyway, and asks soon whoever falls silent', async () => {
    const clock = new ManualClock()
    const silentFromMs = 10 * PING_INTERVAL_MS
    const heard = (): number => Math.min(clock.nowMs(), silentFromMs)
    assert.deepEqual(await watch(silence, silentFromMs, clock, heard), { cuts: 0, pings: 0 })
    assert.deepEqual(await watch(silence, PING_INTERVAL_MS + PING_TIMEOUT_MS, clock, heard), { cuts: 1, pings: 1 })
  })

  it('asks no more than four peers a second, however many are connected, and each of them in its turn', async () => {
    const peers = Array.from({ length: 60 }, (_, i) => `peer-${i}` as PeerId)
    const clock = new ManualClock()
    const asked = new Map<PeerId, number>()
    const monitor = new ConnectionMonitor({
      clock,
      log: createTestLog(),
      connected: () => peers,
      heardAtMs: () => Number.NEGATIVE_INFINITY,
      ping: async peer => void asked.set(peer, (asked.get(peer) ?? 0) + 1),
      cut: peer => assert.fail(`${peer} was cut`)
    })
    await monitor.start()
    await clock.pass(150_000)
    await monitor.stop()
    assert.deepEqual(new Set(asked.values()), new Set([10]))
    assert.equal(asked.size, peers.length)
  })

  it('cuts one connection alone that leads nowhere, though its peer is heard by another', async () => {
    const clock = new ManualClock()
    const monitor = new ConnectionMonitor({
      clock,
      log: createTestLog(),
      connected: () => [PEER],
      heardAtMs: () => clock.nowMs(),
      ping: async () => {},
      cut: () => assert.fail('all connections of the peer')
    })
    await monitor.start()
    const cuts: string[] = []
    void monitor.prove(PEER, { ping: async () => {}, cut: () => cuts.push('newer') })
    void monitor.prove(PEER, { ping: options => silence(PEER, options), cut: () => cuts.push('older') })
    await clock.pass(PING_TIMEOUT_MS - 1)
    assert.deepEqual(cuts, [])
    await clock.pass(1)
    assert.deepEqual(cuts, ['older'])
    await monitor.stop()
  })

  it('does not hold against a peer that this process itself stood still', async () => {
    class Frozen extends ManualClock {
      override nowMs(): number {
        // Twenty seconds pass between the question and the time-out that is noticed.
        return super.nowMs() + (super.nowMs() >= PING_INTERVAL_MS + PING_TIMEOUT_MS ? 20_000 : 0)
      }
    }
    assert.equal((await watch(silence, PING_INTERVAL_MS + PING_TIMEOUT_MS, new Frozen())).cuts, 0)
  })
})
