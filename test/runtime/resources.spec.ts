import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CaresError } from '../../src/model/errors.ts'
import { type Idle, Ledger, type Reservation } from '../../src/runtime/resources.ts'

const ledgerOf = (memoryBytes: number, cpus = 2, slotsMax = 100) => new Ledger({ cpus, memoryBytes, diskBytes: 1 }, { slotsMax })
const isBusy = (resource: string) => (error: unknown) =>
  error instanceof CaresError && error.code === 'busy' && error.details['resource'] === resource

describe('resources', () => {
  it('never promises memory twice, and cores twice at most', () => {
    const ledger = ledgerOf(100)
    ledger.reserve({ cpus: 3, memoryBytes: 60 })
    assert.throws(() => ledger.reserve({ cpus: 0.1, memoryBytes: 41 }), isBusy('memory'))
    assert.throws(() => ledger.reserve({ cpus: 1.1, memoryBytes: 1 }), isBusy('cpus'))
    ledger.reserve({ cpus: 1, memoryBytes: 40 })
    assert.throws(() => ledgerOf(100, 2, 0).reserve({ cpus: 1, memoryBytes: 1 }), isBusy('slots'))
  })

  it('gives up idle containers, those of least worth first and no more than needed, before the new one starts', async () => {
    const ledger = ledgerOf(100)
    const evicted: string[] = []
    const idle = (name: string, worth: number): Idle => ({
      worth,
      reservation: ledger.reserve({ cpus: 0.1, memoryBytes: 30 }),
      evict: async () => void evicted.push(name)
    })
    const all = [idle('most', 3), idle('least', 1), idle('middle', 2)]
    await ledger.reserveEvicting({ cpus: 1, memoryBytes: 65 }, all)
    assert.deepEqual(evicted, ['least', 'middle'])
    assert.equal(ledger.promised().memoryBytes, 95)
  })

  it('gives up nothing where even that would not be enough', async () => {
    const ledger = ledgerOf(100)
    const idle: Idle = {
      worth: 0,
      reservation: ledger.reserve({ cpus: 1, memoryBytes: 50 }),
      evict: async () => assert.fail('evicted for nothing')
    }
    await assert.rejects(ledger.reserveEvicting({ cpus: 1, memoryBytes: 101 }, [idle]), isBusy('memory'))
  })

  it('gives up for a GPU only what holds one, and nothing that another has made needless', async () => {
    const ledger = new Ledger({ cpus: 8, memoryBytes: 100, diskBytes: 1 }, { slotsMax: 100, gpus: () => ['a', 'b'] })
    const evicted: string[] = []
    const idle = (name: string, worth: number, memoryBytes: number, gpus?: number): Idle => ({
      worth,
      reservation: ledger.reserve({ cpus: 0, memoryBytes, gpus }),
      evict: async () => void evicted.push(name)
    })
    const all = [idle('plain', 1, 10), idle('small', 2, 10), idle('one', 3, 30, 1), idle('other', 4, 30, 1)]
    await ledger.reserveEvicting({ cpus: 1, memoryBytes: 10, gpus: 1 }, all)
    assert.deepEqual(evicted.splice(0), ['one'])
    const left = all.filter((_, i) => i !== 2)
    // 20 are missing beside the 40 that are free, and the GPU that is missing, too, brings 30.
    await ledger.reserveEvicting({ cpus: 1, memoryBytes: 60, gpus: 1 }, left)
    assert.deepEqual(evicted, ['other'])
  })

  it('gives up no idle container for its cores, as it uses none', async () => {
    const ledger = ledgerOf(100, 1)
    const idle: Idle = {
      worth: 0,
      reservation: ledger.reserve({ cpus: 2, memoryBytes: 10 }),
      evict: async () => assert.fail('evicted for nothing')
    }
    await ledger.reserveEvicting({ cpus: 1, memoryBytes: 10 }, [idle])
    await ledger.reserveEvicting({ cpus: 1, memoryBytes: 10 }, [idle])
    await assert.rejects(ledger.reserveEvicting({ cpus: 1, memoryBytes: 10 }, [idle]), isBusy('cpus'))
  })

  it('holds its bound whatever is reserved and released', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ memoryBytes: fc.integer({ min: 1, max: 60 }), release: fc.boolean() })), steps => {
        const ledger = ledgerOf(100)
        const held: Reservation[] = []
        for (const { memoryBytes, release } of steps) {
          if (release) held.pop()?.release()
          else if (ledger.fits({ cpus: 0, memoryBytes })) held.push(ledger.reserve({ cpus: 0, memoryBytes }))
          assert.ok(ledger.promised().memoryBytes <= 100)
        }
        for (const reservation of held) {
          reservation.release()
          reservation.release()
        }
        assert.deepEqual(ledger.promised(), { cpus: 0, memoryBytes: 0, slots: 0 })
      })
    )
  })
})
