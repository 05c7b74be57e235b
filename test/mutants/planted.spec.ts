import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Subjects from '../../src/simulate/consensus/subject.ts'
import { CONSENSUS } from '../../src/simulate/consensus/subject.ts'
import { runSeeds } from '../../src/simulate/run.ts'
import { shrink } from '../../src/simulate/shrink.ts'
import { plant, PlantedCopy } from './planted.ts'
import { CALL_MUTANTS } from './call-table.ts'
import { CALL_GROUND, CONSENSUS_GROUND, SERVICE_GROUND, TASK_GROUND } from './hunt.ts'
import { SERVICE_MUTANTS } from './service-table.ts'
import { EQUIVALENT, MUTANTS } from './table.ts'
import { TASK_MUTANTS } from './task-table.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Seeds among which each run of the planted bug below fails at least once. */
const SEEDS = 20

describe('the table of planted bugs', function () {
  this.timeout(60_000)

  it('fits the code: every edit applies exactly once', async () => {
    for (const { edits } of [...MUTANTS, ...CALL_MUTANTS, ...TASK_MUTANTS, ...SERVICE_MUTANTS, ...EQUIVALENT]) {
      const texts = new Map<string, string>()
      for (const edit of edits) {
        const before = texts.get(edit.file) ?? (await readFile(join(ROOT, edit.file), 'utf8'))
        const after = plant(before, edit)
        assert.notEqual(after, before, `${edit.file}: ${edit.find}`)
        texts.set(edit.file, after)
      }
    }
  })

  it('names directed tests that there are: a missing one would find nothing', async () => {
    for (const spec of [CONSENSUS_GROUND, CALL_GROUND, TASK_GROUND, SERVICE_GROUND].flatMap(({ specs }) => specs)) {
      assert.match(await readFile(join(ROOT, spec), 'utf8'), /\bit\(/, spec)
    }
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
      const url = pathToFileURL(join(copy.root, 'src/simulate/consensus/subject.ts')).href
      const { CONSENSUS: planted } = (await import(url)) as typeof Subjects
      const { failures } = await runSeeds(planted, { from: 1, count: SEEDS })
      const seed = failures[0]?.seed
      assert.ok(seed !== undefined, 'no seed fails')
      const shrunk = await shrink(planted, seed)
      assert.ok(shrunk?.outcome.violation !== undefined)
      assert.ok(shrunk.plan.faults.length < planted.plan({ seed }).faults.length / 2, `${shrunk.plan.faults.length} faults are left`)
    } finally {
      await copy.remove()
    }
  })

  it('has nothing to do when nothing fails', async () => assert.equal(await shrink(CONSENSUS, 1), undefined))
})
