import assert from 'node:assert/strict'
import { placementLines } from '../../src/faces/placement-view.ts'
import { explanationLines } from '../../src/faces/explain-view.ts'
import { functionChanges, functionLines, uploadLines } from '../../src/faces/function-view.ts'
import { peerLines, peersTable, statsLine } from '../../src/faces/peer-view.ts'
import type { Peer } from '../../src/model/rest.ts'
import { shortId } from '../../src/model/short-id.ts'
import { renderTable } from '../../src/faces/table.ts'
import { timeOfDay } from '../../src/faces/text.ts'
import { degradations, isStuck, statusLines, verdict } from '../../src/faces/view-model.ts'
import { ALERTS, CLUSTER, EXPLANATION, INVOCATION, NOW_MS, PEERS, PLACEMENT, samplePeer, STATS, THUMB } from './samples.ts'

describe('the view model', () => {
  it('finds nothing wrong with a healthy cluster', () => {
    assert.deepEqual(degradations(CLUSTER, PEERS), [])
  })

  const wrong: readonly (readonly [what: string, problems: readonly string[], expected: string])[] = [
    ['no orchestrator', degradations({ ...CLUSTER, orchestrator: null, reason: 'electing' }, PEERS), 'no orchestrator: electing'],
    ['a peer that cannot write', degradations({ ...CLUSTER, fenced: 'disk full' }, PEERS), 'this peer takes no part any more: disk full'],
    [
      'a voter that is gone',
      degradations({ ...CLUSTER, voters: [samplePeer('cedar').id] }, PEERS),
      'voters not there: cedar (0 of 1 left, 2 needed)'
    ],
    [
      'a voter that takes no part',
      degradations({ ...CLUSTER, voters: [samplePeer('atlas').id] }, [samplePeer('atlas', { fenced: true })]),
      'voters that take no part any more: atlas (0 of 1 left, 2 needed)'
    ],
    ['nobody who works', degradations({ ...CLUSTER, voters: [] }, [samplePeer('a', { runtime: 'none' })]), 'no peer takes work'],
    [
      'a dead engine',
      degradations({ ...CLUSTER, voters: [] }, [samplePeer('a', { runtimeReady: false })]),
      'a: its container engine does not answer'
    ]
  ]
  for (const [what, problems, expected] of wrong) {
    it(`finds ${what}`, () => {
      assert.deepEqual(problems, [expected])
    })
  }

  it('says how long a peer that is gone stays a member, and nothing of that while it is there', () => {
    assert.match(peerLines(samplePeer('a', { state: 'gone' }), NOW_MS).join('\n'), /member +until one orchestrator has missed it for /)
    assert.doesNotMatch(peerLines(samplePeer('a'), NOW_MS).join('\n'), /missed it/)
  })

  it('says how much of what runs on a peer are tasks and services, which may run for long', () => {
    const work = (changes: Partial<Peer>): string =>
      /^work +(.*?),/m.exec(peerLines(samplePeer('a', changes), NOW_MS).join('\n'))?.[1] ?? ''
    assert.equal(work({ running: 3 }), '3 running')
    assert.equal(work({ running: 3, tasks: 2 }), '3 running (2 of them tasks or services)')
    assert.equal(work({ running: 3, tasks: 1 }), '3 running (1 of them a task or service)')
    assert.equal(work({ running: 1, tasks: 1 }), '1 running (a task or service)')
    assert.equal(work({ running: 2, tasks: 2 }), '2 running (tasks or services)')
  })

  it('does not believe a clock that runs ahead', () => {
    const [row = []] = peersTable([samplePeer('a', { startedAt: '2027-01-01T00:00:00Z' })], NOW_MS).rows
    assert.equal(row.at(-1), '0ms')
  })

  it('divides by nothing without a fuss', () => {
    const nothing = { cpus: 0, memoryBytes: 0, diskBytes: 0 }
    const [row = []] = peersTable([samplePeer('a', { capacity: nothing })], NOW_MS).rows
    assert.deepEqual(row.slice(3, 6), ['-', '-', '0%'])
    assert.match(statsLine({ ...STATS, totals: { ...STATS.totals, capacity: nothing } }), /cpu=- mem=- reserved=-/)
  })

  it('does not show the values of variables, which are often secrets', () => {
    assert.ok(!functionLines(THUMB, NOW_MS).join('\n').includes('not to be shown'))
  })

  it('says what would be done, when nothing was', () => {
    assert.match(uploadLines({ result: 'created', dryRun: true, because: '', function: THUMB })[0] ?? '', /^thumb would be created/)
    assert.match(uploadLines({ result: 'unchanged', dryRun: true, because: '', function: THUMB })[0] ?? '', /^thumb unchanged/)
  })

  it('names each change of a function as its user would write it', () => {
    const after = {
      ...THUMB,
      image: 'acme/thumb:2',
      cpus: 1,
      memoryBytes: 2 ** 29,
      timeoutMs: 60_000,
      env: { SECRET: 'new' },
      network: 'egress' as const,
      placement: { objective: 'cheap' as const, require: ['zone=eu'] }
    }
    assert.deepEqual(functionChanges(THUMB, after), [
      'image acme/thumb:1.4 -> acme/thumb:2',
      'cpu 0.5 -> 1',
      'memory 256Mi -> 512Mi',
      'timeout 30s -> 1m',
      'network none -> egress',
      "placement the cluster's -> for cheap, on peers with zone=eu",
      'env'
    ])
    assert.deepEqual(functionChanges(THUMB, THUMB), [])
  })

  it('explains a call that was placed twice, one that waits, and a peer that was not chosen', () => {
    const twice = explanationLines({ ...EXPLANATION, placements: [PLACEMENT, PLACEMENT] }, {}).join('\n')
    assert.match(twice, /placement 1 of 2[\s\S]*placement 2 of 2/)
    const waits = { ...INVOCATION, state: 'queued', worker: null, totalMs: null } as const
    const waiting = explanationLines({ invocation: waits, placements: [], predictedMs: null, actualMs: null }, {})
    assert.deepEqual(waiting, [`Invocation  ${INVOCATION.id}  thumb r1  queued`, 'It has not been placed.'])
    const whyNot = { peer: { id: 'x', name: 'elm' }, why: 'image not there' }
    assert.equal(explanationLines({ ...EXPLANATION, whyNot }, {}).at(-1), 'Why not elm: image not there')
  })

  it('marks a peer that takes no part in what is agreed, in the list and on its own page', () => {
    const peer = samplePeer('atlas', { fenced: true })
    assert.match(renderTable(peersTable([peer], NOW_MS), { wide: true }).join('\n'), /VOTER[^]* fenced /)
    assert.match(peerLines(peer, NOW_MS).join('\n'), /^fenced +takes no part in what is agreed any more/m)
    assert.doesNotMatch(peerLines(samplePeer('atlas'), NOW_MS).join('\n'), /fenced/)
  })

  it('says when a gateway placed a call by itself', () => {
    const placements = [{ ...PLACEMENT, placement: 'fallback' as const }]
    assert.match(
      placementLines({ ...EXPLANATION, placements })[0] ?? '',
      /on birch \(fallback placement\): 50ms expected, next best atlas: 168ms expected/
    )
  })

  it('shortens ids to the end that differs, and times to the part that does', () => {
    assert.equal(shortId('12D3KooWQx7f3aatlas'), '…f3aatlas')
    assert.equal(shortId('short'), 'short')
    assert.equal(timeOfDay('2026-11-22T00:41:07.312456Z'), '00:41:07.312Z')
    assert.equal(timeOfDay('2026-11-22T00:41:07Z'), '00:41:07Z')
  })
})

describe('the verdict on a cluster', () => {
  const [warning, critical] = [{ severity: 'warning' }, { severity: 'critical' }] as const
  for (const [problems, alerts, stuck, text, tone] of [
    [[], [], false, 'healthy', 'good'],
    [[], [warning], false, 'working, with 1 warning', 'warn'],
    [[], [critical, warning, warning], false, 'working, with 1 critical and 2 warnings', 'bad'],
    [['no orchestrator'], [warning], false, 'degraded: 1 problem', 'bad'],
    [['no orchestrator', 'voters not there'], [critical], true, 'degraded, nothing can be agreed: 2 problems', 'bad']
  ] as const) {
    it(`is "${text}" beside ${problems.length} problems and ${alerts.length} alerts`, () =>
      assert.deepEqual(verdict(problems, alerts, { stuck }), { text, tone }))
  }

  const of = (...names: readonly string[]): Peer[] => names.map(name => samplePeer(name))
  for (const [what, peers, stuck] of [
    ['all voters are there', of('atlas', 'birch', 'elm'), false],
    ['just as many as are needed are left', of('atlas', 'birch'), false],
    ['fewer are left', of('atlas'), true],
    ['fewer take part', [...of('atlas'), samplePeer('birch', { fenced: true })], true]
  ] as const) {
    it(`is ${stuck ? '' : 'not '}that nothing can be agreed when ${what}`, () => assert.equal(isStuck(CLUSTER, peers), stuck))
  }

  it('is not that nothing can be agreed on a peer that knows of no voters yet', () => {
    assert.equal(isStuck({ ...CLUSTER, voters: [] }, of('atlas')), false)
  })
})

describe('the status of a cluster', () => {
  it('counts and shows a peer that is gone as long as it is a member', () => {
    const lines = (learners: readonly string[]): string =>
      statusLines({ ...CLUSTER, learners: [...learners] }, PEERS, [], [], 0, {}).join('\n')
    assert.match(lines(CLUSTER.learners), /^Peers +4 there, 1 gone$[^]*^cedar +worker +gone/m)
    const after = lines(CLUSTER.learners.filter(id => id !== samplePeer('cedar').id))
    assert.match(after, /^Peers +4 there, 0 gone$/m)
    assert.doesNotMatch(after, /cedar/)
  })

  it('says once how many voters are left', () => {
    const [alert] = ALERTS.items
    assert.ok(alert)
    const atRisk = { ...alert, rule: 'quorum_at_risk' as const, severity: 'warning' as const, message: '2 of 3 voters are there' }
    const problems = (voters: readonly string[]): string[] =>
      statusLines({ ...CLUSTER, voters: [...voters] }, PEERS, [], [alert, atRisk], 0, {}).filter(line => line.startsWith('! '))
    const cedar = samplePeer('cedar').id
    const [left, ...alerts] = problems([...CLUSTER.voters, cedar])
    assert.match(left ?? '', /^! voters not there: cedar/)
    assert.deepEqual(alerts, ['! critical: cedar is gone'])
    assert.deepEqual(problems(CLUSTER.voters).at(-1), '! warning: 2 of 3 voters are there', 'as long as it is told otherwise only here')
  })

  it('is not healthy beside an alert, and says what the alert is', () => {
    const text = statusLines(CLUSTER, PEERS, [], ALERTS.items, 0, {}).join('\n')
    assert.match(text, /Cluster +working, with 1 critical, private[^]*! critical: cedar is gone/)
    assert.doesNotMatch(text, /healthy/)
  })

  it('tells which versions the peers run while they differ, and that what is new waits for the last one', () => {
    const status = (changes: Partial<Peer>): string =>
      statusLines(CLUSTER, [{ ...PEERS[0], version: '0.2.0', ...changes }, ...PEERS.slice(1)] as Peer[], [], [], 0, {}).join('\n')
    assert.doesNotMatch(status({ version: PEERS[1]?.version ?? '' }), /Versions/)
    assert.match(status({}), /Versions +0\.2\.0 \(atlas\), 0\.1\.0 \(birch, elm, dogwood\)\n/)
    assert.match(status({ commandVersion: 2 }), /Versions .*; what is new in the newest can be used once all are upgraded/)
  })

  it('says first that nothing can be agreed, and calls voters that were not heard since a restart by the names that are remembered', () => {
    const [, birch = '', elm = ''] = CLUSTER.voters
    const names = { [birch]: 'birch', [elm]: 'elm' }
    const text = (cluster: typeof CLUSTER): string => statusLines(cluster, [samplePeer('atlas')], [], [], 0, {}).join('\n')
    assert.match(text({ ...CLUSTER, names }), /Cluster +degraded, nothing can be agreed: 1 problem, [^]*Voters +atlas birch elm /)
    assert.match(text({ ...CLUSTER, names }), /! voters not there: birch, elm \(1 of 3 left, 2 needed\)/)
    assert.match(text(CLUSTER), /Voters +atlas …/)
  })

  it('tells which voter is far behind, and leaves out what is only on its way', () => {
    const [first = '', second = ''] = CLUSTER.voters
    const lines = statusLines({ ...CLUSTER, lag: { [first]: 3, [second]: 1_234 } }, PEERS, [], [], 0, {})
    assert.match(lines.join('\n'), /Voters +\S+ \S+, 1234 entries behind, /)
  })
})
