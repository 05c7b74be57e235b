import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { createStateHash } from '../../../src/core/registry/state-hash.ts'
import { applyTaskChanges } from '../../../src/core/tasks/apply-changes.ts'
import { emptyTables } from '../../../src/core/registry/tables.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { RegistryTables } from '../../../src/model/ports/store.ts'
import type { TaskChange, TaskId, TaskSession } from '../../../src/model/task.ts'
import { decodeSnapshot, encodeSnapshot, inOneGo } from '../../../src/store/snapshot-data.ts'
import { sampleFunction } from '../../support/samples.ts'
import { sampleResult, sampleSubmit } from '../../support/sample-task.ts'

const BASE: RegistryTables = {
  ...emptyTables(),
  functions: new Map(['a', 'b', 'c'].map(name => [name, sampleFunction({ name, env: { X: '1', Y: '2' } })])),
  removed: new Map([
    ['old', 3],
    ['older', 1]
  ]),
  draining: new Set(['p', 'q'])
}

describe('the hash of the state', () => {
  it('does not depend on the order of rows, nor on how the tables came about', () => {
    const reversed = { ...BASE, functions: new Map([...BASE.functions].toReversed()), removed: new Map([...BASE.removed].toReversed()) }
    const restored = inOneGo(decodeSnapshot(inOneGo(encodeSnapshot(1, BASE)))).tables
    const hash = createStateHash()(BASE)
    for (const same of [reversed, restored]) assert.equal(createStateHash()(same), hash)
    assert.match(hash, /^[0-9a-f]{16}$/)
  })

  it('does not depend on the order of environment variables', () => {
    const of = (env: Record<string, string>): string => createStateHash()({ ...BASE, functions: new Map([['a', sampleFunction({ env })]]) })
    assert.equal(of({ A: '1', B: '2' }), of({ B: '2', A: '1' }))
  })

  it('differs when anything does', () => {
    const changes: readonly RegistryTables[] = [
      emptyTables(),
      { ...BASE, functions: new Map([...BASE.functions].slice(1)) },
      { ...BASE, functions: new Map([...BASE.functions, ['a', sampleFunction({ name: 'a', revision: 9 })]]) },
      { ...BASE, functions: new Map([...BASE.functions, ['a', sampleFunction({ name: 'a', env: { X: '2', Y: '1' } })]]) },
      { ...BASE, removed: new Map([...BASE.removed, ['old', 4]]) },
      { ...BASE, removed: new Map([['old', 3]]) },
      { ...BASE, remembered: new Map([['id', { seq: 1, outcome: { type: 'drain-set', peer: 'p', draining: true } }]]) },
      { ...BASE, tasks: applyTaskChanges(BASE.tasks, [sampleSubmit()]).tables },
      { ...BASE, commandVersion: 2 },
      { ...BASE, strategy: { name: 'cost' } },
      { ...BASE, strategy: { name: 'cost', objective: 'cheap' } },
      { ...BASE, draining: new Set(['p']) },
      { ...BASE, draining: new Set(['p', 'r']) }
    ]
    const hash = createStateHash()
    const hashes = [BASE, ...changes].map(hash)
    assert.equal(new Set(hashes).size, hashes.length, hashes.join())
  })

  it('is the same whether it remembers an earlier state or not', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.nat({ max: 3 })), { maxLength: 12 }), changes => {
        const remembering = createStateHash()
        let { functions } = BASE
        for (const [key, revision] of changes) {
          const next = new Map(functions)
          if (revision === 0) next.delete(key)
          else next.set(key, sampleFunction({ name: key, revision }))
          functions = next
          const tables = { ...BASE, functions }
          assert.equal(remembering(tables), createStateHash()(tables))
        }
      }),
      { numRuns: 50 }
    )
  })

  it('is the same for tasks, too, as they come, change and go, and when all of them are others', () => {
    const id = fc.constantFrom(...(['t-a', 't-b', 't-c'] as TaskId[]))
    const at = '1'
    const change = fc.oneof(
      id.map((one): TaskChange => sampleSubmit({ id: one, at })),
      id.map((one): TaskChange => ({ type: 'assign', id: one, attempt: 1, worker: 'p' as PeerId, session: 's' as TaskSession, at })),
      id.map((one): TaskChange => ({ type: 'complete', id: one, attempt: 1, result: sampleResult(), at })),
      fc.constant<TaskChange>({ type: 'expire', before: '2', at })
    )
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 8, arbitrary: change }, fc.constant('start anew' as const)), { maxLength: 20 }), changes => {
        const remembering = createStateHash()
        let { tasks } = BASE
        for (const each of changes) {
          tasks = each === 'start anew' ? BASE.tasks : applyTaskChanges(tasks, [each]).tables
          const tables = { ...BASE, tasks }
          assert.equal(remembering(tables), createStateHash()(tables))
        }
      }),
      { numRuns: 100 }
    )
  })
})
