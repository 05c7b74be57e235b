import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { answerIn, askGround } from '../../../src/faces/tui/ground.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const WHITE = '\u001B]11;rgb:ffff/ffff/ffff\u001B\\'
const KIND = '\u001B[?62;22c'

/** A terminal that answers a question with what is given. */
function terminal(answers: readonly string[]) {
  const modes: boolean[] = []
  const asked: string[] = []
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => (modes.push(on), stdin) })
  const stdout = {
    write: (text: string): boolean => {
      asked.push(text)
      for (const answer of answers) stdin.write(answer)
      return true
    }
  }
  const clock = new ManualClock()
  return { modes, asked, clock, stdin, streams: { stdin, stdout, clock } as unknown as Parameters<typeof askGround>[0] }
}

describe('what a terminal writes on', () => {
  const answers = [
    [WHITE + KIND, 'light', ''],
    [`\u001B]11;rgb:0000/0000/0000\u0007${KIND}`, 'dark', ''],
    [`\u001B]11;rgba:fd/f6/e3/ff\u001B\\${KIND}`, 'light', ''],
    [`\u001B]11;rgb:00/2b/36\u001B\\${KIND}`, 'dark', ''],
    [KIND, undefined, ''],
    [`q${WHITE}j${KIND}`, 'light', 'qj']
  ] as const
  for (const [text, ground, rest] of answers) {
    it(`is ${ground ?? 'not known'} after ${JSON.stringify(text)}`, () => {
      assert.deepEqual(answerIn(text), { isWhole: true, ground, rest })
    })
  }

  it('is not told yet while the answer is on its way', () => {
    assert.equal(answerIn(WHITE).isWhole, false)
    assert.equal(answerIn(`${WHITE}\u001B[?6`).isWhole, false)
  })

  it('is asked without an echo, and what was typed meanwhile is still there to be read', async () => {
    const { streams, modes, stdin, asked } = terminal(['\u001B]11;rgb:ff', 'ff/ffff/ffff\u001B\\x', KIND])
    assert.equal(await askGround(streams), 'light')
    assert.deepEqual([asked, modes], [['\u001B]11;?\u001B\\\u001B[c'], [true, false]])
    assert.equal(String(stdin.read()), 'x')
  })

  it('is taken for dark where a terminal does not say, or there is none', async () => {
    assert.equal(await askGround(terminal([KIND]).streams), 'dark')
    const silent = terminal([])
    const asking = askGround(silent.streams)
    silent.clock.advance(1_000)
    assert.equal(await asking, 'dark')
    const { streams, asked } = terminal([])
    assert.equal(await askGround({ ...streams, stdin: { ...streams.stdin, isTTY: false } }), 'dark')
    assert.deepEqual(asked, [])
  })
})
