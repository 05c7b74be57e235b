import assert from 'node:assert/strict'
import { emptyTables } from '../../../src/core/registry/tables.ts'
import { StateCheck } from '../../../src/daemon/agreement/state-check.ts'
import type { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { RegistryTables } from '../../../src/model/ports/store.ts'
import { sampleHeartbeat } from '../../support/messages.ts'
import { sampleFunction } from '../../support/samples.ts'

const [A, B, C, D] = ['a', 'b', 'c', 'd'] as PeerId[] as [PeerId, PeerId, PeerId, PeerId]
const GOOD = emptyTables()
const BAD: RegistryTables = { ...GOOD, functions: new Map([['x', sampleFunction()]]) }
const INDEX = 7

/** Peer `self` with these tables, after it has heard what each of the others says. */
function check(
  voters: readonly PeerId[],
  self: PeerId,
  tables: RegistryTables,
  words: readonly (readonly [from: PeerId, tables: RegistryTables, options?: { index?: number; version?: string }])[]
): CaresError | undefined {
  let reason: CaresError | undefined
  const of = (peer: PeerId, held: RegistryTables, index: number, onDifference: (reason: CaresError) => void): StateCheck =>
    new StateCheck({
      self: peer,
      version: '1.0.0',
      configuration: () => ({ voters, learners: [D] }),
      tables: () => held,
      appliedIndex: () => index,
      onDifference
    })
  const checked = of(self, tables, INDEX, found => (reason = found))
  checked.now()
  for (const [from, held, { index = INDEX, version = '1.0.0' } = {}] of words) {
    const agreed = of(from, held, index, () => {}).now()
    checked.heard(from, { profile: { ...sampleHeartbeat(from).profile, version }, agreed })
  }
  return reason
}

describe('the comparison of what was agreed', () => {
  it('finds nothing where all hold the same', () => {
    assert.equal(
      check([A, B, C], A, GOOD, [
        [B, GOOD],
        [C, GOOD]
      ]),
      undefined
    )
  })

  it('tells the peer that a majority of the voters contradicts, and what to do', () => {
    const reason = check([A, B, C], A, BAD, [
      [B, GOOD],
      [C, GOOD]
    ])
    assert.equal(reason?.code, 'internal')
    assert.match(`${reason?.message} ${reason?.hint}`, /differs .* index 7 .*data directory away/)
  })

  it('tells a learner, and a peer that follows a lone voter', () => {
    assert.notEqual(
      check([A, B, C], D, BAD, [
        [B, GOOD],
        [C, GOOD]
      ]),
      undefined
    )
    assert.notEqual(check([A], D, BAD, [[A, GOOD]]), undefined)
  })

  it('leaves the majority alone', () => {
    assert.equal(
      check([A, B, C], A, GOOD, [
        [B, BAD],
        [C, GOOD]
      ]),
      undefined
    )
    assert.equal(check([A], A, GOOD, [[D, BAD]]), undefined, 'what learners say does not count')
    assert.equal(check([A, B, C], A, GOOD, [[B, BAD]]), undefined, 'nor one voter alone')
  })

  it('compares only what was applied equally far, by peers of the same version', () => {
    assert.equal(
      check([A, B, C], A, BAD, [
        [B, GOOD, { index: 8 }],
        [C, GOOD]
      ]),
      undefined
    )
    assert.equal(
      check([A, B, C], A, BAD, [
        [B, GOOD, { version: '2.0.0' }],
        [C, GOOD]
      ]),
      undefined
    )
  })

  it('needs the majority to agree with itself', () => {
    const other: RegistryTables = { ...GOOD, draining: new Set(['z']) }
    assert.equal(
      check([A, B, C], A, BAD, [
        [B, GOOD],
        [C, other]
      ]),
      undefined
    )
  })

  it('tells how far each member was behind when it was last heard', () => {
    const checked = new StateCheck({
      self: A,
      version: '1.0.0',
      configuration: () => ({ voters: [A, B], learners: [D] }),
      tables: () => GOOD,
      appliedIndex: () => INDEX,
      onDifference: () => assert.fail('nothing differs')
    })
    for (const [from, index] of [
      [B, 5],
      [D, 9],
      [C, 1]
    ] as const)
      checked.heard(from, { profile: sampleHeartbeat(from).profile, agreed: { index, hash: '' } })
    assert.deepEqual(checked.lag(INDEX), { [B]: 2, [D]: 0 }, 'a stranger is not listed')
  })
})
