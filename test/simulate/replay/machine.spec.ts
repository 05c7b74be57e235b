import assert from 'node:assert/strict'
import type { Digest } from '../../../src/model/ids.ts'
import { Machine } from '../../../src/simulate/replay/machine.ts'
import { virtualFunction } from '../../../src/simulate/replay/virtual-function.ts'

const GIB = 2 ** 30
const SPEC = { name: 'm', cpus: 2, speed: 1, memoryBytes: 4 * GIB, gpus: 1, usdPerHour: 0 }

const fn = (name: string, fields: { contract?: 'http' | 'stdio'; memoryBytes?: number; gpus?: number; cpus?: number } = {}) =>
  virtualFunction({ name, contract: 'http', cpus: 1, memoryBytes: GIB, imageBytes: 1e6, coldStartMs: 500, gpus: 0, ...fields })

describe('a simulated machine', () => {
  it('pulls an image once, and starts no container while an idle one is there', () => {
    const machine = new Machine(SPEC, 0)
    assert.deepEqual(machine.admit(fn('a'), 0), { start: 'cold', pullMs: 10 })
    assert.deepEqual(machine.admit(fn('a'), 4), { start: 'cold', pullMs: 6 }, 'the same pull')
    machine.finish(fn('a'), 20)
    assert.deepEqual(machine.admit(fn('a'), 30), { start: 'warm', pullMs: 0 })
    assert.deepEqual(machine.admit(fn('a'), 30), { start: 'cold', pullMs: 0 })
  })

  it('keeps no container of a function whose containers serve one call', () => {
    const machine = new Machine(SPEC, 0)
    const once = fn('a', { contract: 'stdio' })
    machine.admit(once, 0)
    machine.finish(once, 1)
    assert.equal(machine.memoryBytes, 0)
    assert.equal(machine.admit(once, 2)?.start, 'cold')
  })

  it('never promises more memory than there is, and gives up the container that has been idle longest', () => {
    const machine = new Machine(SPEC, 0)
    for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) {
      machine.admit(fn(name), at)
      machine.finish(fn(name), 10 + at)
    }
    assert.equal(machine.admit(fn('e', { memoryBytes: 2 * GIB }), 20)?.start, 'cold')
    assert.equal(machine.memoryBytes, 4 * GIB)
    const idle = machine
      .stats(20, {})
      .warm.filter(pool => pool.idle > 0)
      .map(pool => pool.function)
    assert.deepEqual(idle, ['c@1', 'd@1'])
    assert.equal(machine.admit(fn('f', { memoryBytes: 3 * GIB }), 21), undefined)
  })

  it('promises cores twice at most, and a graphics processor once', () => {
    const machine = new Machine(SPEC, 0)
    assert.ok(machine.admit(fn('gpu', { gpus: 1, memoryBytes: 1 }), 0))
    assert.equal(machine.admit(fn('gpu', { gpus: 1, memoryBytes: 1 }), 0), undefined)
    for (let i = 0; i < 3; i++) assert.ok(machine.admit(fn('a', { memoryBytes: 1 }), 0))
    assert.equal(machine.admit(fn('a', { memoryBytes: 1 }), 0), undefined)
  })

  it('removes containers that have been idle for too long', () => {
    const machine = new Machine(SPEC, 0)
    machine.admit(fn('a'), 0)
    machine.finish(fn('a'), 100)
    machine.trim(100)
    assert.equal(machine.memoryBytes, GIB)
    machine.trim(101)
    assert.equal(machine.memoryBytes, 0)
  })

  it('says what it has in the words of a peer', () => {
    const machine = new Machine(SPEC, 0)
    machine.admit(fn('a'), 0)
    machine.admit(fn('b'), 0)
    machine.finish(fn('b'), 15)
    const { cpusReserved, cpusEvictable, memoryReservedBytes, memoryEvictableBytes, running, warm, images } = machine.stats(15, {})
    assert.deepEqual(
      { cpusReserved, cpusEvictable, memoryReservedBytes, memoryEvictableBytes, running },
      { cpusReserved: 2, cpusEvictable: 1, memoryReservedBytes: 2 * GIB, memoryEvictableBytes: GIB, running: 1 }
    )
    assert.deepEqual(warm, [
      { function: 'a@1', idle: 0, busy: 1 },
      { function: 'b@1', idle: 1, busy: 0 }
    ])
    assert.deepEqual(images, ['sha256:a' as Digest], 'the second pull ends at 20 ms')
  })

  it('loses what runs in a crash, keeps its images, and comes back in another session', () => {
    const machine = new Machine(SPEC, 0)
    machine.admit(fn('a'), 0)
    machine.cores.add(5, 100, 1)
    assert.deepEqual(machine.crash(50), [5])
    assert.equal(machine.admit(fn('a'), 60), undefined)
    machine.restart()
    assert.equal(machine.profile.session, 2)
    assert.deepEqual(machine.admit(fn('a'), 70), { start: 'cold', pullMs: 0 })
  })
})
