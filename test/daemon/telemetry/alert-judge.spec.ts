import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type AlertState, judge, NO_ALERTS, raisedIn } from '../../../src/daemon/telemetry/alert-judge.ts'
import type { AlertRule } from '../../../src/model/alerts.ts'

const RULE: AlertRule = {
  name: 'cpu_high',
  severity: 'warning',
  unit: 'ratio',
  raiseAt: 0.9,
  clearBelow: 0.8,
  forMs: 3_000,
  clearForMs: 2_000,
  description: ''
}
const SUBJECT = { kind: 'function', id: 'f', name: 'f' } as const

/** A look a second, and what each of them changed: `+` raised, `-` cleared. Undefined: there is no such subject. */
function looks(values: readonly (number | undefined)[], rule = RULE): string {
  let state: AlertState = NO_ALERTS
  return values
    .map((value, second) => {
      const samples = value === undefined ? [] : [{ rule: rule.name, subject: SUBJECT, value, message: `value ${value}` }]
      const step = judge(state, samples, { rules: [rule], nowMs: second * 1_000, at: String(second) })
      state = step.state
      return `${'+'.repeat(step.raised.length)}${'-'.repeat(step.cleared.length)}` || '.'
    })
    .join('')
}

describe('judge', () => {
  for (const [what, values, expected] of [
    ['raises what lasts', [0.95, 0.95, 0.95, 0.95, 0.95], '...+.'],
    ['lets a short peak pass', [0.95, 0.95, 0.5, 0.95, 0.95], '.....'],
    ['counts from the start again after a dip', [0.95, 0.95, 0.85, 0.95, 0.95, 0.95, 0.95], '......+'],
    ['keeps what has not gone far enough', [0.95, 0.95, 0.95, 0.95, 0.85, 0.85, 0.85], '...+...'],
    ['clears what has gone for long enough', [0.95, 0.95, 0.95, 0.95, 0.5, 0.5, 0.5], '...+..-'],
    ['does not flap about the threshold', [0.95, 0.95, 0.95, 0.95, 0.89, 0.91, 0.79, 0.91, 0.79, 0.91], '...+......'],
    ['clears when the subject is gone', [0.95, 0.95, 0.95, 0.95, undefined], '...+-'],
    ['takes exactly the threshold for above it', [0.9, 0.9, 0.9, 0.9], '...+']
  ] as const) {
    it(what, () => assert.equal(looks(values), expected))
  }

  it('raises at once where no time is asked for', () => {
    assert.equal(looks([1, 0, 1, 0], { ...RULE, forMs: 0, clearForMs: 0 }), '+-+-')
  })

  it('says of what has ended, but not for long enough, that it is no longer so', () => {
    let state: AlertState = NO_ALERTS
    const messages = [1, 0.95, 0.85, 0.5, 0.85, 0.95].map((value, second) => {
      const samples = [{ rule: RULE.name, subject: SUBJECT, value, message: `value ${value}` }]
      ;({ state } = judge(state, samples, { rules: [{ ...RULE, forMs: 0 }], nowMs: second * 1_000, at: String(second) }))
      return raisedIn(state).map(({ message }) => message)
    })
    assert.deepEqual(messages.flat(), ['value 1', 'value 0.95', 'value 0.85', 'value 0.85 (no longer)', 'value 0.85', 'value 0.95'])
  })

  it('tells the newest value while it is raised, and the last bad one when it is over', () => {
    const rule = { ...RULE, forMs: 0, clearForMs: 0 }
    const at = (value: number) => [{ rule: rule.name, subject: SUBJECT, value, message: `value ${value}` }]
    const first = judge(NO_ALERTS, at(0.95), { rules: [rule], nowMs: 0, at: '0' })
    const second = judge(first.state, at(0.99), { rules: [rule], nowMs: 1, at: '1' })
    assert.deepEqual(
      raisedIn(second.state).map(({ key, message, raisedAt }) => [key, message, raisedAt]),
      [['cpu_high/f', 'value 0.99', '0']]
    )
    const third = judge(second.state, at(0.1), { rules: [rule], nowMs: 2, at: '2' })
    assert.deepEqual(
      third.cleared.map(({ message, state, clearedAt }) => [message, state, clearedAt]),
      [['value 0.99', 'cleared', '2']]
    )
  })

  it('never raises twice without clearing, and is sure of its times, whatever the values', () => {
    const value = fc.option(fc.constantFrom(0.5, 0.79, 0.8, 0.85, 0.9, 1), { nil: undefined })
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), values => {
        const changes = looks(values)
        assert.match(changes.replaceAll('.', ''), /^(\+-)*\+?$/)
        for (const [second, change] of changes.split('').entries()) {
          if (change === '+') assert.ok(values.slice(second - 3, second + 1).every(one => one !== undefined && one >= 0.9))
        }
      })
    )
  })

  it('watches no more conditions than its bound', () => {
    const samples = Array.from({ length: 3_000 }, (_, i) => ({
      rule: RULE.name,
      subject: { ...SUBJECT, id: `f${i}` },
      value: 1,
      message: ''
    }))
    const { state, raised } = judge(NO_ALERTS, samples, { rules: [{ ...RULE, forMs: 0 }], nowMs: 0, at: '' })
    assert.equal(state.size, 2_000)
    assert.equal(raised.length, 2_000)
  })

  it('knows no rule that is off', () => {
    const samples = [{ rule: RULE.name, subject: SUBJECT, value: 1, message: '' }]
    assert.equal(judge(NO_ALERTS, samples, { rules: [], nowMs: 0, at: '' }).state.size, 0)
  })
})
