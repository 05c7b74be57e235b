import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { Ledger, LEDGER_ORDERS_MAX, NOTHING_UNSEEN, type Reservation, SEEN_AFTER_MS } from '../../../src/core/scheduler/ledger.ts'
import { FN, GIB, peerId } from './cluster.ts'

const A = peerId('a')

function reservation(fields: Partial<Reservation> = {}): Reservation {
  return { worker: A, session: 1, function: FN, cpus: 0.1, memoryBytes: GIB, start: 'cold', ...fields }
}

describe('Ledger', () => {
  it('counts an order on top of the statistics until they include it', () => {
    const ledger = new Ledger()
    const first = ledger.reserve(reservation(), 0)
    const second = ledger.reserve(reservation({ cpus: 0.2, llcBytes: 7 }), 0)
    assert.deepEqual(ledger.unseen(A), {
      orders: 2,
      milliCpus: 300,
      memoryBytes: 2 * GIB,
      coldMilliCpus: 300,
      coldMemoryBytes: 2 * GIB,
      llcBytes: 7
    })
    ledger.seen(A, 1, first, 10)
    assert.deepEqual(ledger.unseen(A), {
      orders: 1,
      milliCpus: 200,
      memoryBytes: GIB,
      coldMilliCpus: 200,
      coldMemoryBytes: GIB,
      llcBytes: 7
    })
    ledger.seen(A, 1, second, 20)
    assert.deepEqual(ledger.unseen(A), NOTHING_UNSEEN)
    assert.equal(ledger.size, 2, 'seen orders are still out')
  })

  it('counts a released order no more, and releases it once', () => {
    const ledger = new Ledger()
    const order = ledger.reserve(reservation(), 0)
    assert.equal(ledger.release(order), A)
    assert.deepEqual(ledger.unseen(A), NOTHING_UNSEEN)
    assert.equal(ledger.release(order), undefined)
    assert.equal(ledger.size, 0)
  })

  it('numbers orders upwards and never twice', () => {
    const ledger = new Ledger()
    const first = ledger.reserve(reservation(), 0)
    ledger.release(first)
    assert.equal(ledger.reserve(reservation(), 0), first + 1)
  })

  it('takes no memory or reserved cores for an order that claims an idle container', () => {
    const ledger = new Ledger()
    const order = ledger.reserve(reservation({ start: 'warm' }), 0)
    assert.deepEqual(ledger.unseen(A), { orders: 1, milliCpus: 100, memoryBytes: GIB, coldMilliCpus: 0, coldMemoryBytes: 0, llcBytes: 0 })
    assert.equal(ledger.claims(FN)?.get(A), 1)
    ledger.seen(A, 1, order, 1)
    assert.equal(ledger.claims(FN), undefined)
  })

  const sessions: { claim: string; session: number; upTo: number | undefined; heardAtMs: number; unseen: number }[] = [
    { claim: 'keeps an order that the statistics do not speak of', session: 1, upTo: undefined, heardAtMs: 1, unseen: 1 },
    { claim: 'drops an order that a restarted worker cannot be running', session: 2, upTo: undefined, heardAtMs: 1, unseen: 0 },
    { claim: 'keeps an order for a session that the statistics are older than', session: 0, upTo: 99, heardAtMs: SEEN_AFTER_MS, unseen: 1 },
    {
      claim: 'takes an old order for seen though it is not spoken of any more',
      session: 1,
      upTo: undefined,
      heardAtMs: SEEN_AFTER_MS,
      unseen: 0
    }
  ]
  for (const { claim, session, upTo, heardAtMs, unseen } of sessions) {
    it(claim, () => {
      const ledger = new Ledger()
      ledger.reserve(reservation(), 0)
      ledger.seen(A, session, upTo, heardAtMs)
      assert.equal(ledger.unseen(A).orders, unseen)
    })
  }

  it('refuses more orders than lanes could carry', () => {
    const ledger = new Ledger()
    for (let i = 0; i < LEDGER_ORDERS_MAX; i++) ledger.reserve(reservation(), 0)
    assert.throws(() => ledger.reserve(reservation(), 0), { name: 'CaresError', code: 'overloaded' })
    ledger.release(1)
    ledger.reserve(reservation(), 0)
  })

  it('equals the plain sum of the unseen orders, and ends at exactly nothing', () => {
    const action = fc.oneof(
      fc.record({
        type: fc.constant('reserve' as const),
        worker: fc.constantFrom(A, peerId('b')),
        session: fc.integer({ min: 1, max: 2 }),
        function: fc.constantFrom('f@1', 'g@1'),
        cpus: fc.constantFrom(0.07, 1 / 3, 0.1, 1, 2.5),
        memoryBytes: fc.integer({ min: 1, max: GIB }),
        start: fc.constantFrom('warm' as const, 'cold' as const)
      }),
      fc.record({ type: fc.constant('release' as const), order: fc.integer({ min: 0, max: 40 }) }),
      fc.record({
        type: fc.constant('seen' as const),
        worker: fc.constantFrom(A, peerId('b')),
        session: fc.integer({ min: 1, max: 2 }),
        upTo: fc.integer({ min: 0, max: 40 })
      })
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), actions => {
        const ledger = new Ledger()
        let out: (Reservation & { order: number; unseen: boolean })[] = []
        const check = (): void => {
          for (const worker of [A, peerId('b')]) {
            const unseen = out.filter(entry => entry.worker === worker && entry.unseen)
            const cold = unseen.filter(entry => entry.start === 'cold')
            const milliCpus = (entries: typeof out): number => entries.reduce((sum, { cpus }) => sum + Math.round(cpus * 1_000), 0)
            assert.deepEqual(ledger.unseen(worker), {
              orders: unseen.length,
              milliCpus: milliCpus(unseen),
              memoryBytes: unseen.reduce((sum, entry) => sum + entry.memoryBytes, 0),
              coldMilliCpus: milliCpus(cold),
              coldMemoryBytes: cold.reduce((sum, entry) => sum + entry.memoryBytes, 0),
              llcBytes: unseen.reduce((sum, entry) => sum + (entry.llcBytes ?? 0), 0)
            })
            for (const fn of ['f@1', 'g@1']) {
              const claims = unseen.filter(entry => entry.start === 'warm' && entry.function === fn).length
              assert.equal(ledger.claims(fn)?.get(worker) ?? 0, claims)
            }
          }
          assert.equal(ledger.size, out.length)
        }
        for (const action of actions) {
          if (action.type === 'reserve') out.push({ ...action, order: ledger.reserve(action, 0), unseen: true })
          else if (action.type === 'release') {
            ledger.release(action.order)
            out = out.filter(({ order }) => order !== action.order)
          } else {
            ledger.seen(action.worker, action.session, action.upTo, 0)
            for (const entry of out) {
              if (entry.worker !== action.worker) continue
              if (entry.session < action.session || (entry.session === action.session && entry.order <= action.upTo)) entry.unseen = false
            }
          }
          check()
        }
        for (const { order } of out) ledger.release(order)
        out = []
        check()
      })
    )
  })
})
