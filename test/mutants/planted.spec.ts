import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Shrinking from '../../src/simulate/consensus/shrink.ts'
import { shrink } from '../../src/simulate/consensus/shrink.ts'
import { planRun } from '../../src/simulate/consensus/simulate.ts'
import { PlantedCopy } from './planted.ts'
import { CALL_MUTANTS } from './call-table.ts'
import { EQUIVALENT, MUTANTS } from './table.ts'

/** Seeds among which each run of the planted bug below fails at least once. */
const SEEDS = 20

describe('the table of planted bugs', function () {
  this.timeout(60_000)

  it('fits the code: every edit applies exactly once', async () => {
    for (const { edits } of [...MUTANTS, ...CALL_MUTANTS, ...EQUIVALENT]) await (await PlantedCopy.create(edits)).remove()
  })

  it('is refused when it does not fit', async () => {
    const edit = { file: 'src/core/consensus/quorum.ts', find: 'no such text', replace: '' }
    await assert.rejects(PlantedCopy.create([edit]), /0 times, not once/)
    await assert.rejects(PlantedCopy.create([{ ...edit, find: 'votersCount' }]), /times, not once/)
  })
})

describe('cutting a failing run down', function () {
  this.timeout(60_000)

  it('leaves fewer faults, and still a failure', async () => {
    const copy = await PlantedCopy.create(MUTANTS.find(({ name }) => name === 'votes twice in a term')?.edits ?? [])
    try {
      const planted = (await import(pathToFileURL(join(copy.root, 'src/simulate/consensus/shrink.ts')).href)) as typeof Shrinking
      const seed = Array.from({ length: SEEDS }, (_, i) => i + 1).find(candidate => planted.shrink(candidate) !== undefined)
      assert.ok(seed !== undefined, 'no seed fails')
      const shrunk = planted.shrink(seed)
      assert.ok(shrunk?.outcome.violation !== undefined)
      assert.ok(shrunk.plan.faults.length < planRun({ seed }).faults.length / 2, `${shrunk.plan.faults.length} faults are left`)
    } finally {
      await copy.remove()
    }
  })

  it('has nothing to do when nothing fails', () => assert.equal(shrink(1), undefined))
})
