import assert from 'node:assert/strict'
import { newSecret } from '../../src/network/cluster-id.ts'
import { chooseSecret, type SecretSources } from '../../src/network/secret.ts'

const [RIGHT, WRONG] = [newSecret(), newSecret()]
const choose = (sources: Partial<SecretSources>): string | null =>
  chooseSecret({ open: false, given: [], stored: null, belongs: false, creates: false, ...sources })

describe('the secret of a cluster', () => {
  it('is what is given, or else what is stored, or a new one for a new cluster', () => {
    assert.equal(choose({ given: [null, RIGHT] }), RIGHT)
    assert.equal(choose({ stored: RIGHT, belongs: true }), RIGHT)
    assert.equal(choose({ given: [RIGHT], stored: RIGHT, belongs: true }), RIGHT)
    assert.notEqual(choose({ creates: true }), null)
    assert.equal(choose({}), null)
    assert.equal(choose({ open: true, creates: true }), null)
  })

  it('is never given up for another one by a peer that belongs to a cluster', () => {
    assert.throws(() => choose({ given: [WRONG], stored: RIGHT, belongs: true }), { code: 'conflict', hint: /without a secret/ })
  })

  it('is replaced in the directory of a peer that has never got in with it', () => {
    assert.equal(choose({ given: [RIGHT], stored: WRONG }), RIGHT)
  })

  it('is one: contradictions are refused', () => {
    assert.throws(() => choose({ given: [RIGHT, WRONG] }), { code: 'conflict' })
    assert.throws(() => choose({ given: [RIGHT], open: true }), { code: 'conflict' })
  })
})
