import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { SeedCheck } from '../../../src/daemon/agreement/seed-check.ts'
import type { ControlAnswer } from '../../../src/model/control.ts'
import { CaresError, type ErrorCode } from '../../../src/model/errors.ts'
import type { ClusterUid, PeerId } from '../../../src/model/ids.ts'
import type { PeerState } from '../../../src/model/peer.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { dial } from '../../support/dial.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { CLUSTER } from '../../support/messages.ts'
import { ATLAS, BIRCH, sampleProfile } from '../../support/samples.ts'
import { createTestLog } from '../../support/test-log.ts'

const refused = (code: ErrorCode, details: object): ControlAnswer => ({
  type: 'failed',
  error: { code, message: 'scripted', retryable: false, details: JSON.stringify(details), started: false }
})
const OTHERS = refused('conflict', { cluster: 'c-other' })
const ADDRESS = '/dns4/seed/tcp/4001/p2p/12D3KooWSeed'

describe('SeedCheck', () => {
  let checks: SeedCheck[]
  beforeEach(() => (checks = []))
  afterEach(async () => Promise.all(checks.map(async check => check.stop())))

  /** The check of atlas, whose one seed is birch, in a cluster that the test makes what it wants. */
  async function checked(changes: { dials?: () => PeerId; state?: PeerState; answer?: ControlAnswer; cluster?: ClusterUid | null } = {}) {
    const clock = new ManualClock()
    const log = createTestLog()
    const scene = { dials: () => BIRCH, state: 'gone' as PeerState, answer: OTHERS, cluster: CLUSTER as ClusterUid | null, ...changes }
    const asked: unknown[] = []
    const transport = {
      self: ATLAS,
      open: async (_: 'control', peer: PeerId) =>
        dial('control', peer, async channel => {
          asked.push(await channel.receive())
          await channel.send(scene.answer)
        }).channel
    } as unknown as Transport
    const check = new SeedCheck({
      transport,
      members: { stateOf: () => scene.state },
      clock,
      log,
      profile: () => sampleProfile(),
      seeds: [{ text: `${ADDRESS}#secret`, dial: async () => scene.dials() }],
      cluster: () => scene.cluster
    })
    checks.push(check)
    await check.start()
    const pass = async (ms: number): Promise<void> => {
      for (let passedMs = 0; passedMs < ms; passedMs += 500) {
        for (let turns = 0; turns < 5; turns++) await turn()
        clock.advance(500)
      }
      for (let turns = 0; turns < 5; turns++) await turn()
    }
    const warnings = (): readonly object[] => log.records.filter(({ level }) => level === 'warn')
    return { check, scene, asked, pass, warnings }
  }

  it('tells where peers of another cluster answer, without the secret, and warns once', async () => {
    const { check, pass, warnings, asked } = await checked()
    await pass(150_000)
    assert.deepEqual(check.foreign, [ADDRESS])
    assert.equal(warnings().length, 1)
    assert.ok(asked.length > 1, 'it looks again')
    assert.doesNotMatch(JSON.stringify(warnings()), /secret/)
  })

  it('takes it back once they are of this one', async () => {
    const { check, scene, pass } = await checked()
    await pass(10_000)
    scene.state = 'alive'
    await pass(60_000)
    assert.deepEqual(check.foreign, [])
  })

  it('asks nobody that is heard as a member, until it is gone', async () => {
    const { check, scene, asked, pass } = await checked({ state: 'alive' })
    await pass(120_000)
    assert.deepEqual([check.foreign, asked], [[], []])
    scene.state = 'gone'
    await pass(60_000)
    assert.deepEqual(check.foreign, [ADDRESS], 'it has come back in another cluster')
  })

  for (const [what, changes] of [
    ['is of this cluster and does not lead it', { answer: refused('not_orchestrator', {}) }],
    ['is in no cluster yet', { answer: refused('no_orchestrator', {}) }],
    ['refuses this peer for another reason', { answer: refused('conflict', { outdated: true }) }],
    ['is this peer itself', { dials: () => ATLAS }],
    [
      'is found to be this peer when it is dialled',
      {
        dials: () => {
          throw new CaresError('conflict', 'that is this peer itself', { details: { self: true } })
        }
      }
    ],
    [
      'cannot be reached',
      {
        dials: () => {
          throw new CaresError('peer_unreachable', 'scripted')
        }
      }
    ]
  ] as const) {
    it(`finds nothing wrong with one who ${what}`, async () => {
      const { check, pass, warnings } = await checked(changes)
      await pass(90_000)
      assert.deepEqual([check.foreign, warnings()], [[], []])
    })
  }

  it('asks nobody while this peer is in no cluster', async () => {
    const { check, asked, pass } = await checked({ cluster: null })
    await pass(60_000)
    assert.deepEqual([check.foreign, asked], [[], []])
  })
})
