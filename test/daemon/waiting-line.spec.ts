import assert from 'node:assert/strict'
import { WaitingLine } from '../../src/daemon/waiting-line.ts'

const signal = new AbortController().signal

describe('WaitingLine', () => {
  it('wakes the first in line, one at a time', async () => {
    const line = new WaitingLine({ lengthMax: 10 })
    const woken: number[] = []
    const waits = [1, 2, 3].map(async n => line.wait(line.join(), { signal }).then(() => woken.push(n)))
    line.wake()
    await waits[0]
    assert.deepEqual(woken, [1])
    line.wake(2)
    await Promise.all(waits)
    assert.deepEqual(woken, [1, 2, 3])
  })

  it('keeps the place of one that found no room, and of one that looked by itself', async () => {
    const line = new WaitingLine({ lengthMax: 10 })
    const tickets = [line.join(), line.join(), line.join()] as const
    const lookAgain = new AbortController()
    const woken: number[] = []
    const last = line.wait(tickets[2], { signal: lookAgain.signal })
    const wait = async (ticket: number): Promise<void> => line.wait(ticket, { signal }).then(() => void woken.push(ticket))
    const others = [wait(tickets[1]), wait(tickets[0])]
    lookAgain.abort(new Error('look again'))
    await assert.rejects(last, { message: 'look again' })
    const again = wait(tickets[2])
    line.wake(3)
    await Promise.all([...others, again])
    assert.deepEqual(woken, tickets)
  })

  it('refuses a place beyond its length, and leaves none behind for those who went', async () => {
    const line = new WaitingLine({ lengthMax: 2 })
    const gone = new AbortController()
    const waits = [1, 2].map(() => line.wait(line.join(), { signal: gone.signal }))
    assert.throws(() => line.join(), { code: 'overloaded', retryable: true })
    gone.abort()
    await Promise.allSettled(waits)
    assert.equal(line.length, 0)
    line.join()
  })

  it('does not wait for one whose signal has aborted before', async () => {
    const line = new WaitingLine({ lengthMax: 2 })
    await assert.rejects(line.wait(line.join(), { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' })
    assert.equal(line.length, 0)
  })
})
