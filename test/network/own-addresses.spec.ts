import assert from 'node:assert/strict'
import { OwnAddresses } from '../../src/network/own-addresses.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('a peer’s own addresses', () => {
  it('are read once a second at most, each told once, and looked for again until there are any', async () => {
    const clock = new ManualClock()
    let reads = 0
    let found: string[] = []
    const addresses = new OwnAddresses(
      () => {
        reads++
        return found
      },
      { clock }
    )
    assert.deepEqual(addresses.list, [])
    found = ['/ip4/10.0.0.5/tcp/4001', '/ip4/10.0.0.5/tcp/4001']
    for (let i = 0; i < 100; i++) assert.deepEqual(addresses.list, ['/ip4/10.0.0.5/tcp/4001'])
    assert.equal(reads, 2)
    found = ['/ip4/10.0.0.6/tcp/4001']
    await clock.pass(999)
    assert.deepEqual(addresses.list, ['/ip4/10.0.0.5/tcp/4001'])
    await clock.pass(1)
    assert.deepEqual(addresses.list, found)
    assert.equal(reads, 3)
  })
})
