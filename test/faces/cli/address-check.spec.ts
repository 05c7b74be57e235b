import assert from 'node:assert/strict'
import { addressCheck } from '../../../src/faces/cli/address-check.ts'

const peer = (...addresses: string[]) => ({ addresses })
const LAN = peer('/ip4/127.0.0.1/tcp/4001', '/ip4/10.0.0.5/tcp/4001')
const LOCAL = peer('/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001')
const BRIDGED = peer('/ip4/172.17.0.2/tcp/4001')

describe('the check of announced addresses', () => {
  for (const [what, self, others, ok] of [
    ['an address of the network', LAN, [LAN, BRIDGED], true],
    ['a name', peer('/dns4/atlas/tcp/4001'), [LAN], true],
    ['loopback, where all others are here', LOCAL, [LOCAL], true],
    ['loopback, where another is elsewhere', LOCAL, [LOCAL, LAN], false],
    ['nothing, where another is elsewhere', peer(), [LAN], false],
    ['a Docker network, where all others are in one', BRIDGED, [peer('/ip4/172.18.0.3/tcp/4001')], true],
    ['a Docker network, where another is not', BRIDGED, [LAN], false],
    ['a network of a cloud that looks like one of Docker', peer('/ip4/172.31.0.9/tcp/4001'), [LAN], true]
  ] as const) {
    it(`${ok ? 'lets pass' : 'finds'} ${what}`, () => {
      const check = addressCheck(self, others)
      assert.equal(check.ok, ok)
      assert.equal(check.hint === undefined, ok)
    })
  }
})
