import assert from 'node:assert/strict'
import { type AlertFacts, alertSamples } from '../../../src/daemon/telemetry/alert-samples.ts'
import { alertRules, type AlertRuleName } from '../../../src/model/alerts.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import { ATLAS, sampleProfile, sampleStats } from '../../support/samples.ts'

const view = (changes: Partial<PeerView['stats']> = {}, state: PeerView['state'] = 'alive', id: PeerId = ATLAS): PeerView => ({
  profile: sampleProfile({ id }),
  stats: sampleStats(changes),
  state,
  ageMs: 0
})

const facts = (changes: Partial<AlertFacts> = {}): AlertFacts => ({
  views: [view()],
  members: [ATLAS],
  // What becomes of voters is a rule of its own.
  voters: [],
  leaderlessMs: 0,
  changes: 0,
  orchestrator: 'atlas',
  foreignSeeds: [],
  nameOf: peer => peer.toUpperCase(),
  skewMs: () => 0,
  calls: [],
  ...changes
})

/** Rules whose threshold is reached. */
const broken = (changes: Partial<AlertFacts>): readonly AlertRuleName[] => {
  const rules = new Map(alertRules().map(rule => [rule.name, rule]))
  return alertSamples(facts(changes))
    .filter(({ rule, value }) => value >= (rules.get(rule)?.raiseAt ?? Infinity))
    .map(({ rule }) => rule)
}

const [A, B, C] = ['a', 'b', 'c'] as readonly string[] as readonly [PeerId, PeerId, PeerId]

const standing = (...states: readonly PeerView['state'][]): readonly PeerView[] =>
  states.map((state, index) => view({}, state, [A, B, C][index] ?? A))

describe('what alerts are judged by', () => {
  for (const [what, changes, rules] of [
    ['a healthy peer', {}, []],
    ['a member that is gone', { views: [view({}, 'gone')] }, ['peer_gone']],
    ['one that is gone and no member', { views: [view({}, 'gone')], members: [] }, []],
    ['one that is suspect', { views: [view({}, 'suspect')] }, []],
    ['a full disk of a peer that is gone', { views: [view({ diskUsedBytes: 2 ** 40 }, 'gone')], members: [] }, []],
    ['a full disk', { views: [view({ diskUsedBytes: 95 * 2 ** 30 })] }, ['disk_low']],
    ['one that cannot make a snapshot', { views: [view({ snapshotFailure: 'cannot make a snapshot' })] }, ['snapshot_failed']],
    ['a busy machine', { views: [view({ cpusUsed: 3.9, memoryUsedBytes: 8 * 2 ** 30 })] }, ['cpu_high', 'memory_high']],
    ['an engine that is down', { views: [view({ runtimeReady: false })] }, ['runtime_down']],
    ['an engine that has not been asked yet', { views: [view({ runtimeReady: false, seq: 0 })] }, []],
    ['a clock that is behind', { skewMs: () => -5_000 }, ['clock_skew']],
    ['no orchestrator', { leaderlessMs: 12_000, orchestrator: null }, ['orchestrator_missing']],
    ['an orchestrator that has changed', { changes: 1 }, ['orchestrator_changed']],
    ['calls that fail', { calls: [{ function: 'thumb', calls: 10, failed: 2 }] }, ['function_failures']],
    ['too few calls to tell', { calls: [{ function: 'thumb', calls: 9, failed: 9 }] }, []],
    ['three voters, all there', { voters: [A, B, C], views: [view({}, 'alive', A), view({}, 'alive', B), view({}, 'alive', C)] }, []],
    ['three voters, two there', { voters: [A, B, C], views: [view({}, 'alive', A), view({}, 'draining', B)] }, ['quorum_at_risk']],
    ['three voters, one of them suspect', { voters: [A, B, C], views: standing('alive', 'alive', 'suspect') }, ['quorum_at_risk']],
    ['three voters, one there', { voters: [A, B, C], views: standing('alive', 'gone', 'gone') }, ['quorum_lost']],
    ['two voters, one there', { voters: [A, B], views: standing('alive', 'gone') }, ['quorum_lost']],
    ['a seed of another cluster', { foreignSeeds: ['/ip4/10.0.0.9/tcp/4001'] }, ['other_cluster']],
    ['the only voter', { voters: [A], views: standing('alive') }, []],
    ['a log that has not been heard', { voters: [] }, []]
  ] as const) {
    it(`${what}: ${rules.join(', ') || 'nothing'}`, () => assert.deepEqual(broken(changes as Partial<AlertFacts>), rules))
  }
})

describe('an alert about a lost quorum', () => {
  const lost = (views: readonly PeerView[]): string | undefined =>
    alertSamples(facts({ voters: [A, B, C], views })).find(({ rule }) => rule === 'quorum_lost')?.message

  it('is critical, says that nothing can be agreed, who is missing, and what to do about voters that are lost for good', () => {
    assert.equal(alertRules().find(({ name }) => name === 'quorum_lost')?.severity, 'critical')
    assert.equal(
      lost(standing('alive', 'gone', 'gone')),
      'nothing can be agreed: 2 of 3 voters are gone (B, C), 2 are needed; start them again, or, if they are lost for good, go on from a survivor: cares recover'
    )
  })

  it('counts voters that take no part as missing', () => {
    const fenced = [B, C].map(id => view({ fenced: true }, 'alive', id))
    assert.match(lost([view({}, 'alive', A), ...fenced]) ?? '', /2 of 3 voters take no part any more \(B, C\), 2 are needed/)
  })
})

describe('alertRules', () => {
  it('takes thresholds of an operator, and clears as far below them as usual', () => {
    const rules = new Map(alertRules({ disk_low: 0.5, cpu_high: 'off' }).map(rule => [rule.name, rule]))
    assert.equal(rules.get('disk_low')?.raiseAt, 0.5)
    assert.ok(Math.abs((rules.get('disk_low')?.clearBelow ?? 0) - (0.5 * 0.88) / 0.9) < 1e-9)
    assert.equal(rules.has('cpu_high'), false)
  })

  it('has no rule that could be cleared while it holds', () => {
    for (const { name, raiseAt, clearBelow } of alertRules()) assert.ok(clearBelow <= raiseAt, name)
  })
})
