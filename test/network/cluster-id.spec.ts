import assert from 'node:assert/strict'
import type { CaresError } from '../../src/model/errors.ts'
import { formatClusterId, newSecret, parseClusterId } from '../../src/network/cluster-id.ts'
import { generateIdentity } from '../../src/network/identity.ts'

describe('cluster id', () => {
  const peer = '12D3KooWSmu5UsrDA2jXzWrBD2RmG5LPMvNGe1jKPZBMSBuD2J9T'

  for (const text of [
    `/ip4/10.0.0.5/tcp/4001/p2p/${peer}#k7Qm-secret`,
    `/ip4/10.0.0.5/tcp/4001/p2p/${peer}`,
    '/dns4/seed/tcp/4001#k7Qm-secret',
    '/dns4/seed.example.org/tcp/4001',
    `/ip6/fd00::5/tcp/4001/p2p/${peer}`
  ]) {
    it(`reads and writes ${text.replace(peer, 'PEER')}`, () => assert.equal(formatClusterId(parseClusterId(text)), text))
  }

  it('takes it apart', () => {
    assert.deepEqual(parseClusterId(`/ip4/10.0.0.5/tcp/4001/p2p/${peer}#k7Qm-secret`), {
      address: '/ip4/10.0.0.5/tcp/4001',
      peer,
      secret: 'k7Qm-secret'
    })
  })

  it('refuses every peer id that was cut while copying', async () => {
    const { id } = await generateIdentity()
    for (let length = 0; length < id.length; length++) {
      const text = `/ip4/10.0.0.5/tcp/4001/p2p/${id.slice(0, length)}#k7Qm-secret`
      assert.throws(
        () => parseClusterId(text),
        (error: CaresError) => error.code === 'invalid' && error.hint !== undefined,
        text
      )
    }
  })

  const bad: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /it is empty/],
    ['#k7Qm-secret', /it is empty/],
    ['10.0.0.5:4001', /does not start with \//],
    ['/ip4/10.0.0.500/tcp/4001', /address cannot be read/],
    ['/ip4/10.0.0.5', /no \/tcp port/],
    ['/ip4/10.0.0.5/udp/4001', /no \/tcp port/],
    ['/ip4/10.0.0.5/tcp/0', /no \/tcp port/],
    [`/p2p/${peer}`, /no \/ip4, \/ip6 or \/dns host/],
    [`/ip4/10.0.0.5/tcp/4001/p2p/${peer.slice(0, -1)}`, /peer id has the wrong length \(cut while copying\?\)/],
    [`/ip4/10.0.0.5/tcp/4001/p2p/${peer.slice(0, -1)}0`, /peer id has a character/],
    [`/ip4/10.0.0.5/tcp/4001/p2p/${peer}/p2p-circuit`, /nothing may come after/],
    [`/ip4/10.0.0.5/tcp/4001/p2p/${peer}#`, /secret has fewer/],
    [`/ip4/10.0.0.5/tcp/4001/p2p/${peer}#k7Qm secret`, /blank/]
  ]
  for (const [text, message] of bad) {
    it(`refuses ${JSON.stringify(text.replace(peer, 'PEER'))}`, () => {
      assert.throws(
        () => parseClusterId(text),
        (error: CaresError) => error.code === 'invalid' && message.test(error.message)
      )
    })
  }

  it('makes secrets that differ and that it accepts', () => {
    const [a, b] = [newSecret(), newSecret()]
    assert.notEqual(a, b)
    assert.ok(Buffer.from(a, 'base64url').length >= 16, 'at least 128 bits')
    assert.equal(parseClusterId(`/dns4/seed/tcp/4001#${a}`).secret, a)
  })
})
