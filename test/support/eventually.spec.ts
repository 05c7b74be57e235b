import assert from 'node:assert/strict'
import { eventually } from './eventually.ts'

describe('eventually', () => {
  it('gives the first value that there is, after looks that found nothing or failed', async () => {
    const looks = [() => undefined, () => false, () => assert.fail('not yet'), () => 0]
    assert.equal(await eventually('a number', () => looks.shift()?.()), 0)
  })

  it('says what was waited for, and why the last look failed', async () => {
    const look = (): never => assert.fail('no answer')
    await assert.rejects(eventually('the end', look, { withinMs: 5, onFailure: () => 'its log' }), (error: Error) => {
      assert.equal(error.message, 'not within 5 ms: the end\nits log')
      assert.equal((error.cause as Error).message, 'no answer')
      return true
    })
  })
})
