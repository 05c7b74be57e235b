import assert from 'node:assert/strict'
import { Journal } from '../../src/daemon/journal.ts'

describe('Journal', () => {
  it('numbers items from 1 and gives those after a number', () => {
    const journal = new Journal<string>({ itemsMax: 10 })
    for (const value of ['a', 'b', 'c']) journal.append(value)
    assert.deepEqual(journal.after(1), [
      { id: 2, value: 'b' },
      { id: 3, value: 'c' }
    ])
    assert.equal(journal.lastId, 3)
  })

  it('keeps the newest items only, with their numbers', () => {
    const journal = new Journal<number>({ itemsMax: 3 })
    for (let i = 1; i <= 20; i++) journal.append(i)
    assert.deepEqual(
      journal.after(0).map(({ id }) => id),
      [18, 19, 20]
    )
  })

  it('keeps no more bytes than allowed, but always the newest item', () => {
    const journal = new Journal<string>({ itemsMax: 100, bytesMax: 10, sizeOf: text => text.length })
    for (const value of ['aaaa', 'bbbb', 'cccc']) journal.append(value)
    assert.deepEqual(
      journal.after(0).map(({ value }) => value),
      ['bbbb', 'cccc']
    )
    journal.append('d'.repeat(50))
    assert.deepEqual(
      journal.after(0).map(({ id }) => id),
      [4]
    )
  })

  it('lets a reader follow what comes, and ends without an error when its signal aborts', async () => {
    const journal = new Journal<string>({ itemsMax: 10 })
    journal.append('before')
    const abort = new AbortController()
    const seen: string[] = []
    const reading = (async () => {
      for await (const { value } of journal.follow(0, { signal: abort.signal })) {
        seen.push(value)
        if (value === 'last') abort.abort()
      }
    })()
    journal.append('middle')
    setImmediate(() => journal.append('last'))
    await reading
    assert.deepEqual(seen, ['before', 'middle', 'last'])
  })

  it('shows a slow reader a gap in the numbers, not a growing queue', async () => {
    const journal = new Journal<number>({ itemsMax: 2 })
    const abort = new AbortController()
    const reader = journal.follow(0, { signal: abort.signal })
    journal.append(1)
    assert.deepEqual((await reader.next()).value, { id: 1, value: 1 })
    for (let i = 2; i <= 9; i++) journal.append(i)
    assert.deepEqual((await reader.next()).value, { id: 8, value: 8 })
    abort.abort()
    assert.equal((await reader.next()).done, true)
  })
})
