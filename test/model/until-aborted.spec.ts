import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { untilAborted } from '../../src/model/until-aborted.ts'

describe('waiting until aborted', () => {
  const never = new Promise<never>(() => {})

  it('gives the outcome of the promise, and stops listening', async () => {
    const { signal } = new AbortController()
    assert.equal(await untilAborted(Promise.resolve(7), signal), 7)
    const failure = new Error('it failed')
    await assert.rejects(untilAborted(Promise.reject(failure), signal), failure)
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })

  it('gives the reason of the signal, when that comes first or has come before', async () => {
    const leaving = new AbortController()
    const waiting = untilAborted(never, leaving.signal)
    const reason = new Error('gone')
    leaving.abort(reason)
    await assert.rejects(waiting, reason)
    await assert.rejects(untilAborted(Promise.resolve(1), leaving.signal), reason)
  })

  it('lets the promise fail later, without anybody to hear it', async () => {
    const { promise, reject } = Promise.withResolvers<never>()
    const waiting = untilAborted(promise, AbortSignal.abort(new Error('gone')))
    await assert.rejects(waiting, /gone/)
    reject(new Error('too late'))
    await assert.rejects(promise, /too late/)
  })
})
