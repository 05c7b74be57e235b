import assert from 'node:assert/strict'
import { outdated } from '../../scripts/generate.ts'

describe('wire: the generated code', () => {
  it('is that of the protocols as they are', async function () {
    this.timeout(30_000)
    assert.deepEqual(await outdated(), [], 'run: node scripts/generate.ts')
  })
})
