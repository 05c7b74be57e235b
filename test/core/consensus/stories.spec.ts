import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { firstBatch } from '../../../src/core/consensus/configuration.ts'
import { leaderLost, propose, reconfigure, transfer } from '../../../src/core/consensus/raft.ts'
import { configurationOf, isActiveLeader } from '../../../src/core/consensus/state.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { A, B, C, THREE } from './fixtures.ts'
import { Stage } from './stage.ts'

const peers = [A, B, C]
const command = Uint8Array.of(1)

/** Compares the story with the one on file; with UPDATE_GOLDEN=1, writes it instead. */
async function assertGolden(name: string, { lines }: Stage): Promise<void> {
  const file = new URL(`../../golden/consensus/${name}.txt`, import.meta.url)
  const text = `${lines.join('\n')}\n`
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, text)
  assert.equal(text, await readFile(file, 'utf8'), `if the change is meant: UPDATE_GOLDEN=1, and read the diff of ${file.pathname}`)
}

function threePeers(): Stage {
  return new Stage(peers, () => THREE)
}

/** The one active leader. */
function leaderOf(stage: Stage): PeerId {
  const [leader, ...others] = peers.filter(peer => isActiveLeader(stage.state(peer)))
  assert.ok(leader !== undefined && others.length === 0)
  return leader
}

describe('consensus, told as stories', () => {
  it('elects one of three', async () => {
    const stage = threePeers()
    stage.tell('three peers start, and nobody leads')
    stage.run(2_000)
    const leader = leaderOf(stage)
    stage.tell('a command is proposed')
    stage.step(leader, (state, nowMs) => propose(state, [command], nowMs))
    stage.run(100)
    for (const peer of peers) assert.equal(stage.applied(peer).length, 2, peer)
    await assertGolden('election-of-three', stage)
  })

  it('replaces a killed leader within a third of the election timeout when the connection closes', async () => {
    const stage = threePeers()
    stage.run(2_000)
    const old = leaderOf(stage)
    stage.lines.length = 0
    stage.tell('the leader is killed, and both others see the connection close')
    stage.kill(old)
    for (const peer of peers) if (peer !== old) stage.step(peer, (state, nowMs) => leaderLost(state, old, nowMs))
    stage.run(310)
    assert.notEqual(peers.filter(peer => peer !== old && isActiveLeader(stage.state(peer))).length, 0)
    await assertGolden('killed-leader', stage)
  })

  it('keeps its leader when a partition heals', async () => {
    const stage = threePeers()
    stage.run(2_000)
    const old = leaderOf(stage)
    stage.lines.length = 0
    stage.tell('the leader is cut off, and accepts a command that nobody else gets')
    stage.partition([old])
    stage.step(old, (state, nowMs) => propose(state, [command], nowMs))
    stage.run(2_500)
    const next = peers.filter(peer => peer !== old && isActiveLeader(stage.state(peer)))
    assert.equal(next.length, 1)
    stage.tell('the others accept another one')
    stage.step(next[0] ?? A, (state, nowMs) => propose(state, [command], nowMs))
    stage.run(100)
    stage.tell('the partition heals')
    stage.heal()
    stage.run(1_500)
    assert.equal(leaderOf(stage), next[0])
    assert.deepEqual(stage.applied(old), stage.applied(next[0] ?? A))
    await assertGolden('partition-heals', stage)
  })

  it('grows from one voter to three', async () => {
    const stage = new Stage(
      peers,
      () => ({ voters: [], learners: [] }),
      peer => (peer === A ? firstBatch(A).append : [])
    )
    stage.tell('a creates the cluster; b and c know nothing')
    stage.run(10)
    const changes = [
      ['b and c join', { voters: [A], learners: [B, C] }],
      ['b is promoted', { voters: [A, B], learners: [C] }],
      ['c is promoted', { voters: [A, B, C], learners: [] }]
    ] as const
    for (const [line, configuration] of changes) {
      stage.tell(line)
      assert.equal(stage.step(A, (state, nowMs) => reconfigure(state, configuration, nowMs)).outcome, 'appended', line)
      stage.run(20)
    }
    for (const peer of peers) assert.deepEqual(configurationOf(stage.state(peer)), THREE)
    await assertGolden('one-grows-to-three', stage)
  })

  it('transfers the lead without a pause', async () => {
    const stage = threePeers()
    stage.run(2_000)
    const old = leaderOf(stage)
    const heir = peers.find(peer => peer !== old) ?? A
    stage.lines.length = 0
    stage.tell(`${old} hands over to ${heir}`)
    assert.equal(stage.step(old, (state, nowMs) => transfer(state, heir, nowMs)).outcome, 'started')
    stage.run(10)
    assert.equal(leaderOf(stage), heir)
    await assertGolden('transfer', stage)
  })
})
