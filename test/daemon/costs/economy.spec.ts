import assert from 'node:assert/strict'
import { CaresError } from '../../../src/model/errors.ts'
import type { CostRow } from '../../../src/model/costs.ts'
import type { Verdict } from '../../../src/model/placement.ts'
import type { MemoryPeer } from '../memory-cluster.ts'
import { MemoryCluster } from '../memory-cluster.ts'

const GIB = 2 ** 30

async function upload(peer: MemoryPeer, name: string): Promise<void> {
  await peer.service.putFunction({ name, image: name }, { signal: AbortSignal.timeout(10_000) })
}

/** Of those that can have the work. */
function leastTurn(verdicts: readonly Verdict[]): number {
  return Math.min(...verdicts.map(verdict => (verdict.fits ? (verdict.terms?.turn ?? 0) : Number.POSITIVE_INFINITY)))
}

function failing(): never {
  throw new CaresError('function_failed', 'exited with code 3')
}

async function hanging(_input: string, { signal }: { signal: AbortSignal }): Promise<string> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  return promise
}

describe('what a cluster of daemons reckons', function () {
  this.timeout(30_000)
  let cluster: MemoryCluster
  const signal = (): AbortSignal => AbortSignal.timeout(10_000)

  beforeEach(async () => {
    cluster = new MemoryCluster({ upper: input => input.toUpperCase(), fail: failing, hang: hanging })
    await cluster.start(3)
  })
  afterEach(() => cluster.stop())

  const samplesAt = (peer: MemoryPeer): number => peer.service.quote('upper', { inputBytes: 5 }).estimate.samples

  it('knows on every peer within seconds what was learned on one, and on the next orchestrator after the death of the last', async () => {
    await upload(cluster.peer(0), 'upper')
    for (let i = 0; i < 6; i++) await cluster.peer(1).call('upper', 'hello')
    await cluster.until(() => cluster.peers.every(peer => samplesAt(peer) === 6), 'samples on every peer')
    const died = cluster.orchestrator
    await died.die()
    const others = cluster.peers.filter(peer => peer !== died)
    const led = (peer: MemoryPeer): string | undefined => peer.service.cluster().orchestrator?.id
    await cluster.until(() => others.every(peer => led(peer) !== undefined && led(peer) !== died.id), 'another orchestrator')
    const next = others.find(peer => led(peer) === peer.id)
    assert.equal(samplesAt(next as MemoryPeer), 6)
  })

  it('tells a new peer what the cluster knows', async () => {
    await upload(cluster.peer(0), 'upper')
    for (let i = 0; i < 3; i++) await cluster.peer(0).call('upper', 'hello')
    const joined = await cluster.add()
    await cluster.until(() => joined.service.functions().length === 1, 'the function')
    await cluster.until(() => samplesAt(joined) === 3, 'samples on the new peer')
  })

  it('quotes a call without running it', async () => {
    await upload(cluster.peer(0), 'upper')
    const { estimate, decision, strategy } = cluster.peer(0).service.quote('upper', { inputBytes: 5 })
    assert.equal(estimate.basis, 'prior')
    assert.equal(strategy, 'cost')
    assert.notEqual(decision.chosen, null)
    assert.deepEqual(
      cluster.peers.flatMap(({ runtime }) => runtime.started),
      []
    )
  })

  it('quotes the peer that is next by round-robin where the turns are known, and says where they are not', async () => {
    const placement = { strategy: 'round-robin' } as const
    await cluster.peer(0).service.putFunction({ name: 'upper', image: 'upper', placement }, { signal: signal() })
    const { orchestrator } = cluster
    const ran: string[] = []
    for (let i = 0; i < 6; i++) {
      const { decision, isForeseeable } = orchestrator.service.quote('upper', { inputBytes: 5 })
      const next = decision.verdicts.filter(each => each.fits && each.terms?.turn === leastTurn(decision.verdicts)).map(({ peer }) => peer)
      const { answer } = await orchestrator.call('upper', 'hello')
      await answer.end
      assert.ok(isForeseeable)
      assert.equal(next.length, 3 - (i % 3), 'those that had their turn wait for the others')
      assert.ok(next.includes(answer.worker), `call ${i} ran on ${answer.worker}, and next were ${next.join()}`)
      ran.push(answer.worker)
    }
    assert.equal(new Set(ran.slice(0, 3)).size, 3)
    const other = cluster.peers.find(peer => peer !== orchestrator)
    assert.equal(other?.service.quote('upper', { inputBytes: 5 }).isForeseeable, false)
  })

  it('places a call as it asks, beside what its function says, and its receipt tells what that was', async () => {
    await upload(cluster.peer(0), 'upper')
    const asked = { objective: 'cheap', require: ['zone!=us'] } as const
    for (const gateway of cluster.peers) {
      const { answer } = await gateway.call('upper', 'hello', { asked })
      const [receipt] = (await gateway.service.invocation(answer.invocation, { signal: signal() })).receipts
      assert.deepEqual(receipt?.asked, asked)
      assert.deepEqual([receipt.strategy, receipt.objective], ['cost', 'cheap'])
      assert.equal(gateway.service.account(await gateway.service.invocation(answer.invocation, { signal: signal() })).recomputes, true)
    }
    await assert.rejects(
      cluster.peer(1).call('upper', 'hello', { asked: { require: ['zone=eu'] } }),
      /no peer has the labels that are required/
    )
    assert.equal(cluster.peer(1).service.quote('upper', { inputBytes: 5, asked: { require: ['zone=eu'] } }).decision.chosen, null)
    assert.equal((await cluster.peer(1).call('upper', 'hello')).output, 'HELLO')
  })

  it('holds receipts that bear out the placements of real calls, from whichever gateway they came', async () => {
    await upload(cluster.peer(0), 'upper')
    for (const peer of cluster.peers) {
      for (let i = 0; i < 4; i++) {
        const { answer } = await peer.call('upper', 'hello')
        await answer.end
        const record = await peer.service.waitFor(answer.invocation, { signal: signal() })
        assert.equal(peer.service.account(record).recomputes, true, JSON.stringify(record.receipts))
      }
    }
  })

  it('counts what failed work has taken, and what was given up, at every gateway', async () => {
    for (const name of ['fail', 'hang']) await upload(cluster.peer(0), name)
    for (const gateway of cluster.peers) {
      const left = new AbortController()
      await assert.rejects(gateway.call('fail', 'hello'))
      const given = gateway.call('hang', 'hello', { signal: left.signal })
      await cluster.until(() => cluster.peers.some(({ runtime }) => runtime.use().running > 0), 'the call to run')
      left.abort()
      await assert.rejects(given)
      const taken = (name: string): (number | undefined)[] => {
        const row = gateway.service.ownCosts().rows.find(each => each.function === name)
        return [row?.calls, row?.failed, row?.runMs, row?.bytesIn]
      }
      await cluster.until(() => taken('hang')[2] === 1, 'what the call that was given up has taken')
      assert.deepEqual(
        [taken('fail'), taken('hang')],
        [
          [1, 1, 1, 5],
          [1, 1, 1, 5]
        ]
      )
    }
  })

  it('counts what calls have cost at all gateways, and says how many it could not ask', async () => {
    await upload(cluster.peer(0), 'upper')
    for (const peer of cluster.peers) await peer.call('upper', 'hello')
    const calls = async (): Promise<number> => {
      const { ledgers } = await cluster.peer(0).service.costs({ signal: signal() })
      return ledgers.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.calls, 0)
    }
    assert.equal(await calls(), 3)
    assert.equal(
      cluster
        .peer(1)
        .service.ownCosts()
        .rows.reduce((sum, row) => sum + row.bytesIn, 0),
      5
    )
    await cluster.peer(2).die()
    const { ledgers, missing } = await cluster.peer(0).service.costs({ signal: signal() })
    assert.deepEqual([ledgers.length, missing], [2, 1])
  })

  it('counts each task once, whoever took it, placed it, ran it and died, for whoever is charged', async () => {
    const rowsAt = (peers: readonly MemoryPeer[]): readonly CostRow[] => peers.flatMap(peer => peer.service.ownCosts().rows)
    const ran: string[] = []
    const run = async (peer: MemoryPeer): Promise<void> => {
      const { task } = await peer.service.tasks.submit({ image: 'upper' }, { caller: 'nightly', signal: signal() })
      const over = await peer.service.tasks.waitFor(task.id, { signal: signal() })
      assert.equal(over.state, 'succeeded')
      ran.push(over.attempts.at(-1)?.worker ?? '')
    }
    const sumOf = (rows: readonly CostRow[]): number => rows.reduce((sum, { tasks = 0 }) => sum + tasks, 0)
    for (const peer of cluster.peers) await run(peer)
    await cluster.until(() => sumOf(rowsAt(cluster.peers)) === 3, 'three tasks in the ledgers')
    const rows = rowsAt(cluster.peers)
    assert.deepEqual([...new Set(rows.map(row => [row.function, row.caller].join()))], ['image:upper,nightly'])
    assert.deepEqual(new Set(rows.map(({ peer }) => peer as string)), new Set(ran))
    const leader = cluster.orchestrator
    const alive = cluster.peers.filter(peer => peer !== leader)
    const before = sumOf(rowsAt(alive))
    await leader.die()
    const [left] = alive as [MemoryPeer]
    await cluster.until(() => ![undefined, leader.id].includes(left.service.cluster().orchestrator?.id), 'another orchestrator')
    await run(left)
    await cluster.until(() => sumOf(rowsAt(alive)) > before, 'the task in a ledger')
    assert.equal(sumOf(rowsAt(alive)), before + 1)
    const { ledgers } = await left.service.costs({ signal: signal() })
    assert.equal(sumOf(ledgers.flatMap(({ rows: told }) => told)), before + 1)
  })

  it('admits work outside it through any peer, makes what does not fit wait, and learns what it took', async () => {
    const [gate, other] = cluster.workers
    assert.ok(gate !== undefined && other !== undefined)
    const { cpus } = gate.service.profile.capacity
    const request = { name: 'encode', cpus: 0.8 * cpus, memoryBytes: GIB / 64, expectedMs: 60_000, on: other.id }
    const first = await gate.service.admit(request, { signal: signal() })
    assert.deepEqual([first.state, first.peer, first.samples], ['approved', other.id, 0])
    const second = await gate.service.admit(request, { signal: signal() })
    assert.equal(second.state, 'queued')
    assert.ok(second.waitMs !== null && second.waitMs > 50_000, `it is expected to wait ${second.waitMs} ms`)
    await gate.service.completeAdmission(first.id, { runMs: 4_000, cpuMs: 8_000, memoryPeakBytes: 1_000 }, { signal: signal() })
    assert.equal((await gate.service.admission(second.id, { signal: signal() })).state, 'approved')
    const third = await gate.service.admit({ name: 'encode' }, { signal: signal() })
    assert.deepEqual([third.samples, Math.round(third.predictedMs)], [1, 4_000])
    assert.deepEqual(third.predicted, { cpus: 2, memoryBytes: 1_500, diskBytes: 0 })
    assert.deepEqual(
      (await other.service.admissions({ signal: signal() })).map(({ id }) => id),
      [third.id, second.id, first.id]
    )
  })

  it('quotes a call through any peer by what admitted work has left, as it would be placed', async () => {
    await upload(cluster.peer(0), 'upper')
    const { service } = cluster.orchestrator
    const areChosen = (): boolean[] => cluster.peers.map(peer => peer.service.quote('upper', { inputBytes: 5 }).decision.chosen !== null)
    await cluster.until(() => cluster.peers.every(peer => peer.service.functions().some(({ name }) => name === 'upper')), 'the function')
    await cluster.until(() => !areChosen().includes(false), 'a place for a call, as every peer sees it')
    const ids: string[] = []
    for (const { id } of cluster.peers) {
      const { capacity } = cluster.peer(0).service.profile
      const request = { name: 'hoard', cpus: 0.01, memoryBytes: Math.floor(0.89 * capacity.memoryBytes), on: id }
      ids.push((await service.admit(request, { signal: signal() })).id)
    }
    const { decision } = service.quote('upper', { inputBytes: 5 })
    const memory = decision.verdicts.map(verdict => verdict.fits)
    assert.deepEqual([decision.chosen, memory.includes(true)], [null, false])
    await cluster.until(() => !areChosen().includes(true), 'no room for a call, as every peer sees it')
    for (const id of ids) await service.completeAdmission(id, {}, { signal: signal() })
    await cluster.until(() => !areChosen().includes(false), 'room again, as every peer sees it')
  })

  it('refuses work that no peer could ever hold', async () => {
    const asked = cluster.peer(0).service.admit({ name: 'huge', cpus: 200 }, { signal: signal() })
    await assert.rejects(asked, { code: 'no_capacity', message: /large enough/ })
    await assert.rejects(cluster.peer(0).service.admission('w-none', { signal: signal() }), { code: 'not_found' })
  })

  it('goes on counting admitted work when another orchestrator is elected', async () => {
    const died = cluster.orchestrator
    const [gate, other] = cluster.workers
    assert.ok(gate !== undefined && other !== undefined)
    const request = { name: 'encode', cpus: 0.8 * gate.service.profile.capacity.cpus, memoryBytes: 1, expectedMs: 600_000, on: other.id }
    const { id } = await gate.service.admit(request, { signal: signal() })
    await died.die()
    const led = (peer: MemoryPeer): string | undefined => peer.service.cluster().orchestrator?.id
    await cluster.until(() => [gate, other].every(peer => led(peer) !== undefined && led(peer) !== died.id), 'another orchestrator')
    assert.deepEqual((await gate.service.admission(id, { signal: signal() })).state, 'approved')
    assert.equal((await other.service.admit(request, { signal: signal() })).state, 'queued')
  })
})
