import { CaresError } from './errors.ts'

/** The caller's own name for one call of a function or one task: printable ASCII, as the header `Idempotency-Key` may carry it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** Throws `invalid` for a key that no header can carry, or that is longer than is kept. */
export function checkIdempotencyKey(key: string): void {
  if (!IDEMPOTENCY_KEY.test(key))
    throw new CaresError('invalid', 'an idempotency key is 1 to 255 printable ASCII characters, without spaces')
}
