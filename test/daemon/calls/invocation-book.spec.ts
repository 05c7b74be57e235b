import assert from 'node:assert/strict'
import { once } from '../../../src/daemon/calls/bodies.ts'
import { InvocationBook } from '../../../src/daemon/calls/invocation-book.ts'
import { RequestPrint } from '../../../src/daemon/calls/request-print.ts'
import type { InvocationId } from '../../../src/model/ids.ts'
import { sampleHead, sampleInvocation } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const id = (n: number): InvocationId => `i-${n}` as InvocationId
const signal = new AbortController().signal

describe('InvocationBook', () => {
  let clock: ManualClock
  let book: InvocationBook
  beforeEach(() => {
    clock = new ManualClock()
    book = new InvocationBook({ clock })
  })

  const open = (n: number, state: 'running' | 'succeeded' = 'succeeded'): void => book.open(sampleInvocation({ id: id(n), state }))

  it('lists the newest first', () => {
    for (const n of [1, 2, 3]) open(n)
    assert.deepEqual(
      book.list(2).map(record => record.id),
      [id(3), id(2)]
    )
  })

  it('keeps 10,000 records, and those that still run', async () => {
    open(0, 'running')
    const waiting = book.waitFor(id(0), { signal })
    for (let n = 1; n <= 10_050; n++) open(n)
    assert.equal(book.find(id(1)), undefined)
    assert.equal(book.list(20_000).length, 10_000)
    book.update(id(0), { state: 'succeeded' })
    assert.equal((await waiting).state, 'succeeded')
  })

  it('wakes those who wait when the invocation ends', async () => {
    open(1, 'running')
    const waits = [book.waitFor(id(1), { signal }), book.waitFor(id(1), { signal })]
    book.update(id(1), { state: 'failed' })
    assert.deepEqual(
      (await Promise.all(waits)).map(({ state }) => state),
      ['failed', 'failed']
    )
  })

  it('tells the record as it is when the signal aborts', async () => {
    open(1, 'running')
    const stop = new AbortController()
    const waiting = book.waitFor(id(1), { signal: stop.signal })
    stop.abort()
    assert.equal((await waiting).state, 'running')
    await assert.rejects(book.waitFor(id(9), { signal }), { code: 'not_found' })
  })

  it('keeps answers for ten minutes, and 64 MiB of them', () => {
    for (let n = 0; n < 70; n++) book.keep(id(n), { head: sampleHead(), body: new Uint8Array(2 ** 20) })
    assert.equal(book.result(id(5)), null)
    assert.ok(book.result(id(6)))
    clock.advance(600_001)
    assert.equal(book.result(id(69)), null)
  })

  it('knows a key as long as the record that it stands for, and ten minutes at most', () => {
    open(1)
    const head = { method: 'POST', path: '/', query: '', headers: [] }
    const call = (n: number) => ({ id: id(n), print: new RequestPrint({ function: 'f', head, body: once(new Uint8Array()) }) })
    book.setKey('k', call(1))
    assert.equal(book.byKey('k')?.id, id(1))
    clock.advance(600_001)
    assert.equal(book.byKey('k'), undefined)
    book.setKey('other', call(2))
    assert.equal(book.byKey('other'), undefined)
  })
})
