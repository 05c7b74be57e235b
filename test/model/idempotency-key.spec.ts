import assert from 'node:assert/strict'
import { checkIdempotencyKey } from '../../src/model/idempotency-key.ts'

describe('checkIdempotencyKey', () => {
  for (const [what, key] of [
    ['one character', '!'],
    ['any that a header may carry', 'order-7/~'],
    ['255 characters', 'k'.repeat(255)]
  ] as const) {
    it(`takes ${what}`, () => assert.doesNotThrow(() => checkIdempotencyKey(key)))
  }

  for (const [what, key] of [
    ['none', ''],
    ['256 characters', 'k'.repeat(256)],
    ['a space', 'order 7'],
    ['a line break', 'order\n'],
    ['what is not ASCII', 'bestellung-ä']
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => checkIdempotencyKey(key), { code: 'invalid', message: /1 to 255 printable ASCII characters/ })
    })
  }
})
