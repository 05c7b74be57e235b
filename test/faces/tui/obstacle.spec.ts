import assert from 'node:assert/strict'
import { createLog } from '../../../src/log.ts'
import { obstacleOf } from '../../../src/faces/tui/obstacle.ts'

describe('what holds a peer up', () => {
  /** Lines as a peer of this process writes them. */
  function logged(...fields: readonly Record<string, string>[]): string[] {
    const lines: string[] = []
    const log = createLog({ format: 'pretty', destination: { write: line => void lines.push(line.trimEnd()) } })
    for (const each of fields) log.warn(each, 'not let in yet')
    return lines
  }

  it('is nothing where its log tells of none', () => {
    assert.equal(obstacleOf([]), undefined)
    assert.equal(obstacleOf(logged({ peer: 'atlas' })), undefined)
  })

  it('is the newest that its log tells of, in the words of the log', () => {
    const unreachable = { reason: '"x": nothing listens\nthere', hint: 'check that the peer runs' }
    assert.deepEqual(obstacleOf(logged(unreachable)), { ...unreachable, times: 1 })
    assert.deepEqual(obstacleOf(logged(unreachable, { reason: 'refused' }, unreachable, { peer: 'elm' })), { ...unreachable, times: 2 })
    assert.deepEqual(obstacleOf(logged(unreachable, { reason: 'refused' })), { reason: 'refused', hint: undefined, times: 1 })
  })
})
