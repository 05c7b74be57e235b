import assert from 'node:assert/strict'
import { versionCheck } from '../../../src/daemon/members/health.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import { sampleListing, sampleProfile } from '../../support/samples.ts'

const peer = (name: string, version: string, commandVersion?: number): PeerView => {
  const profile = { ...sampleProfile(), name, version }
  return sampleListing({ profile: commandVersion === undefined ? profile : { ...profile, commandVersion } })
}

describe('the check of versions', () => {
  it('is content while all peers read the same commands, whatever they are called', () => {
    assert.deepEqual(versionCheck([peer('atlas', '1.0.0', 1), peer('birch', '1.0.0', 1)]), {
      name: 'versions',
      ok: true,
      message: 'all peers run 1.0.0'
    })
    const { ok, message } = versionCheck([peer('atlas', '1.1.0', 1), peer('birch', '1.0.0')])
    assert.deepEqual([ok, message], [true, 'peers run 1.0.0 and 1.1.0, which understand each other'])
  })

  it('names who is to be upgraded before what is new can be used', () => {
    const { ok, message, hint } = versionCheck([peer('atlas', '2.0.0', 2), peer('birch', '1.0.0'), peer('cedar', '1.1.0', 1)])
    assert.deepEqual([ok, hint], [false, 'upgrade birch, cedar'])
    assert.match(message, /what is new cannot be used yet/)
  })
})
