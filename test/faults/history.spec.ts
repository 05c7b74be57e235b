import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../e2e/cluster.ts'
import { History } from './history.ts'

describe('the judge of a history', () => {
  let root: string
  let cluster: Cluster

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cares-history-'))
    cluster = { dataOf: (name: string) => join(root, name), alive: [] } as unknown as Cluster
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  /** What the judge says of one call that ended so and was started so often. */
  async function judge(outcome: 'ok' | 'fail' | 'unknown' | 'pending', starts: number): Promise<string> {
    const history = new History(cluster)
    history.operations.push({ kind: 'call', key: 'k', through: 'peer-0', startedMs: 0, outcome, tookMs: 0, detail: '' })
    writeFileSync(join(root, 'starts'), 'k\n'.repeat(starts))
    return (await history.contradictions(cluster)).join('; ')
  }

  it('finds nothing in what may be', async () => {
    for (const [outcome, starts] of [
      ['ok', 1],
      ['fail', 0],
      ['unknown', 0],
      ['unknown', 1]
    ] as const) {
      assert.equal(await judge(outcome, starts), '', `${outcome}, ${starts} starts`)
    }
  })

  it('finds what may not be', async () => {
    assert.match(await judge('ok', 2), /started 2 times/)
    assert.match(await judge('unknown', 2), /started 2 times/)
    assert.match(await judge('ok', 0), /answered and never started/)
    assert.match(await judge('fail', 1), /told that it was not/)
    assert.match(await judge('pending', 0), /never answered/)
  })
})
