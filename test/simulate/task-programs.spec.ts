import assert from 'node:assert/strict'
import { createRandom } from '../../src/model/random.ts'
import { Process } from '../../src/simulate/whole/process.ts'
import { type ProgramEnd, TaskPrograms } from '../../src/simulate/whole/task-programs.ts'
import { World } from '../../src/simulate/world.ts'

describe('simulated programs of tasks', () => {
  let world: World
  let process: Process
  let programs: TaskPrograms
  let ends: { how: ProgramEnd; atMs: number }[]

  beforeEach(() => {
    world = new World({ random: createRandom(1) })
    process = new Process(world)
    programs = new TaskPrograms(world, 1)
    ends = []
  })

  /** What the process learns of a program that takes a second. */
  function run(signal = new AbortController().signal): { told: () => string } {
    let told = 'nothing'
    const onEnd = (how: ProgramEnd): void => void ends.push({ how, atMs: world.nowMs })
    programs.run(process, { latencyMs: 1_000, onEnd, signal }).then(
      () => (told = 'done'),
      (err: Error) => (told = err.message)
    )
    return { told: () => told }
  }

  it('end by themselves, and their process learns it', async () => {
    const { told } = run()
    await world.settleUntil(1_000)
    assert.deepEqual([ends, told()], [[{ how: 'done', atMs: 1_000 }], 'done'])
  })

  it('run on while their process is frozen, which learns of the end when it thaws', async () => {
    const { told } = run()
    process.freeze()
    await world.settleUntil(2_000)
    assert.deepEqual([ends, told()], [[{ how: 'done', atMs: 1_000 }], 'nothing'])
    process.thaw()
    await world.settleUntil(2_001)
    assert.equal(told(), 'done')
  })

  it('end with their lease, though their process is frozen, unless it was made longer', async () => {
    programs.setLease(300)
    const { told } = run()
    await world.settleUntil(200)
    programs.setLease(300)
    process.freeze()
    await world.settleUntil(900)
    assert.deepEqual(ends, [{ how: 'killed', atMs: 500 }])
    process.thaw()
    await world.settleUntil(901)
    assert.equal(told(), 'it was killed')
  })

  it('end soon after their process, and at once with their machine', async () => {
    run()
    process.kill()
    programs.onDeath({ power: false })
    const next = new Process(world)
    assert.equal(programs.isClearFor(next), false)
    await world.settleUntil(100)
    assert.equal(programs.isClearFor(next), true)
    process = next
    run()
    programs.onDeath({ power: true })
    assert.deepEqual(
      ends.map(({ how }) => how),
      ['killed', 'killed']
    )
  })

  it('are stopped when nobody wants them any more', async () => {
    const abort = new AbortController()
    const { told } = run(abort.signal)
    abort.abort(new Error('not wanted'))
    await world.settleUntil(200)
    assert.deepEqual([ends[0]?.how, told()], ['stopped', 'not wanted'])
  })
})
