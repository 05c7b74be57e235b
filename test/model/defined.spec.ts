import assert from 'node:assert/strict'
import { defined } from '../../src/model/defined.ts'

describe('defined', () => {
  it('leaves out what is undefined, and nothing else', () => {
    const fields = { name: 'thumb', port: undefined, cpus: 0, gpus: null, text: '', isKept: false } as const
    assert.deepEqual(defined(fields), { name: 'thumb', cpus: 0, gpus: null, text: '', isKept: false })
    assert.equal('port' in defined(fields), false)
  })
})
