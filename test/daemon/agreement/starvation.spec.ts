import assert from 'node:assert/strict'
import { Consensus } from '../../../src/daemon/agreement/consensus.ts'
import type { ConsensusMessage } from '../../../src/model/consensus.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { PRESETS } from '../../../src/model/presets.ts'
import { createRandom } from '../../../src/model/random.ts'
import { MemoryDisk, MemoryStore } from '../../../src/simulate/memory-store.ts'
import { decodeCommand, encodeCommand } from '../../../src/wire/command-codec.ts'
import { createTestLog } from '../../support/test-log.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const [SELF, LEADER, CANDIDATE] = ['self', 'leader', 'candidate'] as PeerId[] as [PeerId, PeerId, PeerId]
const { heartbeatMs, electionMs } = PRESETS.lan

const heartbeat: ConsensusMessage = { type: 'append-request', term: 1, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 1 }
const question: ConsensusMessage = { type: 'vote-request', term: 2, pre: true, lastIndex: 0, lastTerm: 0, transfer: false }

/** A voter of three, and what it sends. */
async function createVoter(): Promise<{ clock: ManualClock; voter: Consensus; sent: (readonly [PeerId, ConsensusMessage])[] }> {
  const clock = new ManualClock()
  const sent: (readonly [PeerId, ConsensusMessage])[] = []
  const store = new MemoryStore(new MemoryDisk())
  await store.start()
  const configuration = { voters: [SELF, LEADER, CANDIDATE], learners: [] }
  const persisted = { ...(await store.load()), snapshot: { index: 0, term: 0, configuration } }
  const nothing = (): void => {}
  const voter = new Consensus(
    { self: SELF, timings: PRESETS.lan, persisted },
    {
      store,
      transport: { self: SELF, sendConsensus: (to, message) => void sent.push([to, message]) } as Transport,
      clock,
      log: createTestLog(),
      random: createRandom(1),
      codec: { encode: encodeCommand, decode: decodeCommand },
      cluster: () => null,
      listener: { onRole: nothing, onConfiguration: nothing, onTables: nothing, onFenced: nothing }
    }
  )
  await voter.start()
  voter.receive(LEADER, heartbeat)
  await clock.pass(heartbeatMs)
  sent.length = 0
  return { clock, voter, sent }
}

const answers = (sent: readonly (readonly [PeerId, ConsensusMessage])[]): boolean[] =>
  sent.flatMap(([, message]) => (message.type === 'vote-response' ? [message.granted] : []))

describe('a voter that was not run for a while', () => {
  it('reads what its leader has said before it answers a candidate', async () => {
    const { clock, voter, sent } = await createVoter()
    clock.freeze(1.5 * electionMs)
    voter.receive(CANDIDATE, question)
    voter.receive(LEADER, heartbeat)
    await clock.pass(10)
    assert.deepEqual(answers(sent), [])
    await voter.stop()
  })

  it('votes all the same when there is nothing to read', async () => {
    const { clock, voter, sent } = await createVoter()
    clock.freeze(1.5 * electionMs)
    voter.receive(CANDIDATE, question)
    await clock.pass(10)
    assert.deepEqual(answers(sent), [true])
    await voter.stop()
  })

  it('does not campaign before it has read, nor at once then', async () => {
    const { clock, voter, sent } = await createVoter()
    clock.freeze(3 * electionMs)
    await clock.pass(0.5 * electionMs)
    assert.equal(sent.length, 0)
    await clock.pass(8 * electionMs)
    assert.ok(sent.some(([, { type }]) => type === 'vote-request'))
    await voter.stop()
  })
})
