import assert from 'node:assert/strict'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { CaresError, isErrorCode } from '../../src/model/errors.ts'
import { createRandom } from '../../src/model/random.ts'
import { MemoryCluster, type MemoryPeer } from './memory-cluster.ts'

const PEERS = 5
const CHAOS_MS = 6_000
/** Of the function. A call may take this, the gateway's grace, and what a starved test machine adds. */
const CALL_TIMEOUT_MS = 2_000
const SLACK_MS = 2_500
/** What a call may not end with, whatever happens to the cluster: these say that something is wrong with CARES itself. */
const DEFECTS = new Set(['internal', 'protocol', 'bad_request', 'invalid', 'unauthorized'])

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

interface Ended {
  readonly fn: string
  readonly tookMs: number
  readonly output?: string
  readonly expected: string
  readonly error?: Error
}

describe('calls through chaos', function () {
  this.timeout(60_000)

  it(`starts no call twice, ends each in time, and agrees once healed (SEED=${SEED})`, async () => {
    const random = createRandom(SEED)
    const clock = createSystemClock()
    const between = (min: number, max: number): number => min + Math.floor(random() * (max - min))
    const starts = new Map<string, number>()
    const repeatable = async (input: string, { signal }: { signal: AbortSignal }): Promise<string> => {
      await clock.sleep(Number(input.split(' ')[1]), { signal })
      return input.toUpperCase()
    }
    const work: typeof repeatable = (input, context) => {
      starts.set(input, (starts.get(input) ?? 0) + 1)
      return repeatable(input, context)
    }
    const cluster = new MemoryCluster({ work, repeatable })
    const ended: Ended[] = []
    const calls = new Set<Promise<number>>()
    const down = new Map<MemoryPeer, Promise<void>>()
    const told: string[] = []
    const pick = (peers: readonly MemoryPeer[]): MemoryPeer => peers[between(0, peers.length)] as MemoryPeer
    const up = (): readonly MemoryPeer[] => cluster.peers.filter(peer => !down.has(peer))

    function call(number: number): void {
      const gateway = pick(up())
      const fn = random() < 0.8 ? 'work' : 'repeatable'
      const input = `call-${number} ${between(0, 150)}`
      const startMs = clock.nowMs()
      const took = (): number => clock.nowMs() - startMs
      const done = gateway
        .call(fn, input)
        .then(
          ({ output }) => ended.push({ fn, tookMs: took(), output, expected: input.toUpperCase() }),
          (error: Error) => ended.push({ fn, tookMs: took(), error, expected: input.toUpperCase() })
        )
        .finally(() => calls.delete(done))
      calls.add(done)
    }

    async function fault(): Promise<void> {
      const peer = pick(up())
      const kind = between(0, 5)
      told.push(`${Math.round(clock.nowMs())} ${['crash', 'restart', 'isolate', 'cut', 'heal'][kind]} ${peer.id}`)
      if (kind === 4) return cluster.heal()
      if (kind === 2) return cluster.isolate(peer)
      if (kind === 3) return cluster.network.cut(peer.id, pick(cluster.peers).id)
      if (down.size > 0) return
      const back = (kind === 0 ? peer.crash() : peer.stop()).then(async () => peer.start()).then(() => void down.delete(peer))
      down.set(peer, back)
    }

    await cluster.start(PEERS)
    try {
      const signal = AbortSignal.timeout(10_000)
      await cluster.peer(0).service.putFunction({ name: 'work', image: 'work', timeoutMs: CALL_TIMEOUT_MS }, { signal })
      await cluster
        .peer(0)
        .service.putFunction({ name: 'repeatable', image: 'repeatable', timeoutMs: CALL_TIMEOUT_MS, idempotent: true }, { signal })
      const endMs = clock.nowMs() + CHAOS_MS
      for (let number = 0; clock.nowMs() < endMs; number++) {
        call(number)
        if (number % 15 === 14) await fault()
        await clock.sleep(between(5, 25))
      }
      cluster.heal()
      await Promise.all(down.values())
      await Promise.all(calls)

      assert.deepEqual(
        [...starts].filter(([, times]) => times > 1),
        [],
        'started more than once'
      )
      for (const { tookMs, output, expected, error } of ended) {
        assert.ok(tookMs <= CALL_TIMEOUT_MS + SLACK_MS, `${expected} took ${tookMs} ms: ${String(error)}`)
        if (error === undefined) assert.equal(output, expected)
        else assert.ok(error instanceof CaresError && isErrorCode(error.code) && !DEFECTS.has(error.code), `${expected}: ${String(error)}`)
      }
      const succeeded = ended.filter(({ error }) => error === undefined).length
      assert.ok(succeeded > ended.length / 2, `only ${succeeded} of ${ended.length} calls succeeded`)
      await cluster.until(() => {
        const views = cluster.peers.map(({ service }) => service.cluster().orchestrator?.id)
        return new Set(views).size === 1 && views[0] !== undefined && cluster.peers.every(({ service }) => service.functions().length === 2)
      }, 'one orchestrator and the functions everywhere')
      assert.equal((await cluster.peer(1).call('work', 'after 1')).output, 'AFTER 1')
    } catch (err) {
      throw new Error(`SEED=${SEED}: ${String(err)}\n${told.join('\n')}`, { cause: err })
    } finally {
      cluster.heal()
      await cluster.stop()
    }
  })
})
