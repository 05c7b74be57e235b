import assert from 'node:assert/strict'
import { CaresError } from '../../src/model/errors.ts'
import type { PeerId } from '../../src/model/ids.ts'
import { Mesh } from '../../src/network/mesh.ts'
import { createTestLog } from '../support/test-log.ts'
import { ManualClock } from '../support/manual-clock.ts'

const MEMBERS = ['b', 'c', 'd'].map(id => ({ id: id as PeerId, addresses: [] }))
const SEED = { address: '/ip4/10.0.0.5/tcp/4001' }

/** What a mesh warns of in a minute in which each dial ends by `dial`, which is told how many there were before. */
async function warnings(dial: (before: number) => void, { members = MEMBERS, seeds = [SEED] } = {}) {
  const clock = new ManualClock()
  const log = createTestLog()
  let dials = 0
  const mesh = new Mesh(seeds, {
    self: 'a' as PeerId,
    clock,
    log,
    random: () => 0.5,
    isConnected: () => false,
    dialPeer: async () => dial(dials++),
    dialSeed: async () => {
      dial(dials++)
      return 'b' as PeerId
    }
  })
  mesh.setMembers(members)
  await mesh.start()
  await clock.pass(60_000)
  await mesh.stop()
  return { dials, warned: log.records.filter(({ level }) => level === 'warn') }
}

const refuse = (): never => {
  throw new CaresError('unauthorized', 'B answered, but not as a peer with the same secret does', { hint: 'compare the secrets' })
}

describe('mesh', () => {
  it('says once that the others have another secret, with the reason and what to do, also where it knows members only', async () => {
    for (const seeds of [[SEED], []]) {
      const { warned, dials } = await warnings(refuse, { seeds })
      assert.ok(dials > 10, 'it goes on dialling')
      assert.equal(warned.length, 1, JSON.stringify(warned))
      assert.match(warned[0]?.message ?? '', /another secret/)
      assert.match(JSON.stringify(warned[0]), /same secret does.*compare the secrets/)
    }
  })

  it('says so again after a dial that went well', async () => {
    const { warned } = await warnings(before => (before === 10 ? undefined : refuse()))
    assert.equal(warned.length, 2)
  })

  it('says once of a seed, and never of a member, that it cannot be reached', async () => {
    const { warned } = await warnings(() => {
      throw new CaresError('peer_unreachable', 'nothing listens there')
    })
    assert.deepEqual(
      warned.map(({ message }) => message),
      ['seed not reached']
    )
    assert.match(JSON.stringify(warned), /nothing listens there/)
  })
})
