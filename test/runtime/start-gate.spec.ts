import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { CaresError } from '../../src/model/errors.ts'
import { StartGate } from '../../src/runtime/start-gate.ts'

describe('the gate of starts', () => {
  const never = new AbortController().signal
  let gate: StartGate
  let going: { name: string; end: () => void }[]

  beforeEach(() => {
    gate = new StartGate({ startsMax: 2, waitingMax: 4 })
    going = []
  })

  async function start(key: string, name: string, signal = never): Promise<void> {
    const entered = await gate.enter(key, { signal })
    going.push({ name, end: () => entered[Symbol.dispose]() })
  }

  const names = (): string[] => going.map(({ name }) => name)

  it('lets so many through at once, and the next when one has ended, however often that is said', async () => {
    for (const name of ['1', '2', '3', '4']) void start('a', name)
    await turn()
    assert.deepEqual(names(), ['1', '2'])
    going[0]?.end()
    going[0]?.end()
    await turn()
    assert.deepEqual(names(), ['1', '2', '3'])
  })

  it('gives turns by function, not by who came first', async () => {
    for (const name of ['a1', 'a2', 'a3', 'a4']) void start('a', name)
    for (const name of ['b1', 'c1']) void start(name.charAt(0), name)
    for (let i = 0; i < 4; i++) {
      await turn()
      going[i]?.end()
    }
    await turn()
    assert.deepEqual(names(), ['a1', 'a2', 'a3', 'b1', 'c1', 'a4'])
  })

  it('has the function that fills the line make room for others, down to a share like theirs', async () => {
    const lost: string[] = []
    const tried = async (name: string): Promise<void> =>
      start(name.charAt(0), name).catch((error: CaresError) => void lost.push(`${name} ${error.code}`))
    for (const name of ['1', '2', 'a1', 'a2', 'a3', 'a4', 'a5']) void tried(name)
    await turn()
    assert.deepEqual(lost, ['a5 busy'])
    for (const name of ['b1', 'b2', 'b3', 'a6']) void tried(name)
    await turn()
    assert.deepEqual(lost.toSorted(), ['a3 busy', 'a4 busy', 'a5 busy', 'a6 busy', 'b3 busy'])
    for (let i = 0; i < 6; i++) {
      going[i]?.end()
      await turn()
    }
    assert.deepEqual(names(), ['1', '2', 'a1', 'b1', 'a2', 'b2'])
  })

  it('refuses one too many, and has room again when one that waits has given up', async () => {
    const leaver = new AbortController()
    for (const name of ['1', '2', '3', '4', '5']) void start('a', name)
    const leaving = assert.rejects(start('a', '6', leaver.signal), { code: 'cancelled' })
    await assert.rejects(start('a', '7'), { code: 'busy' })
    leaver.abort(new CaresError('cancelled', 'scripted'))
    await leaving
    void start('b', '8')
    for (let i = 0; i < 5; i++) {
      await turn()
      going[i]?.end()
    }
    await turn()
    assert.deepEqual(names(), ['1', '2', '3', '8', '4', '5'])
  })

  it('throws at once for a signal that has aborted', async () => {
    await assert.rejects(gate.enter('a', { signal: AbortSignal.abort(new Error('over')) }), /over/)
  })
})
