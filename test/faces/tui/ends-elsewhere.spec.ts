import assert from 'node:assert/strict'
import { endsElsewhere } from '../../../src/faces/tui/ends-elsewhere.ts'
import type { Invocation, InvocationList } from '../../../src/model/rest-invocations.ts'
import { INVOCATION } from '../samples.ts'

const [ATLAS, BIRCH] = [
  { id: 'atlas', name: 'atlas' },
  { id: 'birch', name: 'birch' }
]
const call = (id: string, change: Partial<Invocation> = {}): Invocation => ({ ...INVOCATION, id, gateway: BIRCH, ...change })
const list = (items: readonly Invocation[], missing: InvocationList['missing'] = []): InvocationList => ({ items, missing })
const idsOf = (before: InvocationList | null, now: InvocationList): readonly string[] =>
  endsElsewhere(before, now, ATLAS.id).map(({ data }) => data.invocation)

describe('calls that ended elsewhere', () => {
  it('are those that have ended since the list before, each once, in the order of their ends', () => {
    const before = list([call('i-1'), call('i-2', { state: 'running', totalMs: null })])
    const late = call('i-2', { acceptedAt: '2026-11-22T12:00:00.000Z', totalMs: 5_000 })
    const quick = call('i-3', { acceptedAt: '2026-11-22T12:00:01.000Z', totalMs: 10 })
    const now = list([quick, late, call('i-1'), call('i-4', { state: 'queued', totalMs: null })])
    assert.deepEqual(idsOf(before, now), ['i-3', 'i-2'])
    assert.equal(endsElsewhere(before, now, ATLAS.id)[1]?.at, '2026-11-22T12:00:05.000Z')
    assert.deepEqual(idsOf(now, now), [])
  })

  it('are not those through the peer that is asked: events tell of these', () => {
    assert.deepEqual(idsOf(list([]), list([call('i-1', { gateway: ATLAS })])), [])
  })

  it('are none in the first list, nor those of a gateway that was not in the list before', () => {
    assert.deepEqual(idsOf(null, list([call('i-1')])), [])
    assert.deepEqual(idsOf(list([], [BIRCH]), list([call('i-1')])), [])
  })
})
