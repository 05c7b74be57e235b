import assert from 'node:assert/strict'
import { ServiceTimes } from '../../../src/core/scheduler/service-times.ts'

describe('ServiceTimes', () => {
  it('knows nothing of what it has not seen, and takes the first at its word', () => {
    const times = new ServiceTimes()
    assert.equal(times.of('a'), undefined)
    times.observe('a', 100)
    assert.equal(times.of('a'), 100)
  })

  it('follows what has changed within ten calls', () => {
    const times = new ServiceTimes()
    times.observe('a', 1_000)
    for (let i = 0; i < 10; i++) times.observe('a', 10)
    assert.ok((times.of('a') ?? 0) < 130, `${times.of('a')}`)
  })

  it('knows what hardly a call takes less than once calls take about the same, and nothing of the kind while they do not', () => {
    const times = new ServiceTimes()
    assert.equal(times.leastOf('a'), 0)
    times.observe('a', 1_000)
    assert.equal(times.leastOf('a'), 0)
    for (let i = 0; i < 20; i++) times.observe('a', i % 2 === 0 ? 990 : 1_010)
    assert.ok(times.leastOf('a') > 950 && times.leastOf('a') < 990, `${times.leastOf('a')}`)
    for (let i = 0; i < 20; i++) times.observe('b', i % 2 === 0 ? 10 : 2_000)
    assert.equal(times.leastOf('b'), 0)
  })

  it('forgets the functions that were called longest ago', () => {
    const times = new ServiceTimes()
    for (let i = 0; i < 1_000; i++) times.observe(`f${i}`, i)
    times.observe('f0', 5)
    times.observe('new', 7)
    assert.equal(times.of('f1'), undefined)
    assert.notEqual(times.of('f0'), undefined)
    assert.equal(times.of('new'), 7)
  })
})
