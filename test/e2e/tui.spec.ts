import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster as ClusterState, PeerList } from '../../src/model/rest.ts'
import { eventually } from '../support/eventually.ts'
import { Cluster, json } from './cluster.ts'
import type { PeerProcess } from './peer-process.ts'
import { TestTerminal } from './terminal.ts'
import { skip } from '../support/skip.ts'

/** Of a peer that the screens start: on free ports, in a directory of the test. */
const peerEnv = (data: string): Record<string, string> => ({
  CARES_DATA: data,
  CARES_API: 'http://127.0.0.1:1',
  CARES_HTTP: '127.0.0.1:0',
  CARES_LISTEN: '/ip4/127.0.0.1/tcp/0',
  CARES_PRESET: 'loopback',
  CARES_RUNTIME: 'process'
})

const clusterOf = async (peer: PeerProcess): Promise<ClusterState> => await json<ClusterState>(peer, '/v1/cluster')

/** What one peer says of another. */
const seenBy = async (peer: PeerProcess, name: string): Promise<string | undefined> =>
  (await json<PeerList>(peer, '/v1/peers')).items.find(item => item.name === name)?.state

describe('bare cares in a terminal', () => {
  let root = ''
  const terminals: TestTerminal[] = []
  const open = async (init: Parameters<typeof TestTerminal.open>[0]): Promise<TestTerminal> => {
    const terminal = await TestTerminal.open(init)
    terminals.push(terminal)
    return terminal
  }
  before('needs tmux', async function () {
    if (!(await TestTerminal.isPossible())) skip(this, 'there is no tmux: apt-get install tmux')
    root = await mkdtemp(join(tmpdir(), 'cares-tui-'))
  })
  afterEach(async () => {
    await Promise.all(terminals.splice(0).map(terminal => terminal.close()))
  })
  after(async () => {
    if (root !== '') await rm(root, { recursive: true, force: true })
  })

  for (const [ground, accent] of [
    ['#ffffff', 34],
    ['#000000', 36]
  ] as const) {
    it(`takes colours that can be read on ${ground}`, async () => {
      const terminal = await open({ name: `ground${accent}`, env: peerEnv(join(root, 'ground')), ground })
      await terminal.shows(/▸ Create a new cluster/)
      const marked = new RegExp(String.raw`\[${accent}m(?:\x1B\[\d+m)*▸ Create a new cluster`)
      assert.match(await terminal.screen({ escapes: true }), marked)
    })
  }

  it('creates a cluster, uploads and invokes a function, explains the call, and stops its peer', async () => {
    const data = join(root, 'first')
    const terminal = await open({ name: 'create', env: peerEnv(data) })
    await terminal.shows(/▸ Create a new cluster/)
    await terminal.press('Enter')
    await terminal.shows(/▸ Name/)
    await terminal.type('atlas')
    await terminal.press('Enter')
    await terminal.shows(/orchestrator atlas, term \d+ {2}no isolation {2}1 peer/)
    await terminal.shows(/▸ atlas ★ .*\d+\/\d+%/)

    await terminal.type('u')
    await terminal.shows(/▸ Command/)
    await terminal.type('cat')
    await terminal.press('Tab')
    await terminal.type('echo')
    await terminal.shows(/the same as {2}cares upload -- cat echo/)
    await terminal.press('Enter')
    await terminal.shows(/echo created {2}revision 1[^]*url .*\/fn\/echo[^]*i invoke now/)

    await terminal.type('i')
    await terminal.shows(/Invoke a function[^]*▸ Body/)
    await terminal.type('hello from here')
    await terminal.press('Enter')
    await terminal.shows(/│ hello from here {3,}[^]*invocation i-\w{26} on atlas[^]*e explain/)
    await terminal.type('e')
    await terminal.shows(/Invocation {2}i-\w+ {2}echo r1 {2}succeeded[^]*chosen/)
    await terminal.press('Escape', 'Escape')
    await terminal.shows(/done {5}i-\w{6} echo on atlas in/)
    await terminal.type('m')
    await terminal.shows(/Functions[^]*echo +\d/)
    await terminal.press('Escape')

    await terminal.type('q')
    await terminal.shows(/This screen is peer atlas\. Nothing runs here\. Stop it\?/)
    await terminal.press('Escape')
    await terminal.type('q')
    await terminal.shows(/\[d] drain and stop/)
    await terminal.type('d')
    await terminal.shows(/^ended with 0$/m)
    assert.match(await readFile(join(data, 'peer.log'), 'utf8'), /API listens/)

    // The machine remembers: the same peer comes back to its cluster.
    const again = await open({ name: 'again', env: peerEnv(data) })
    await again.shows(/▸ Start the peer of this machine/)
    await again.press('Enter')
    await again.shows(/orchestrator \S+, term/)
    process.kill(await again.pid(), 'SIGTERM')
    await again.shows(/^ended with 143$/m)
  })

  it('says what is wrong with a cluster id', async () => {
    const terminal = await open({ name: 'join', env: peerEnv(join(root, 'second')) })
    await terminal.shows(/▸ Create a new cluster/)
    await terminal.press('Down', 'Enter')
    await terminal.shows(/▸ Cluster id/)
    await terminal.type('/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQx7f3a')
    await terminal.press('Enter')
    await terminal.shows(/! cannot start: cluster id is not valid: its peer id has the wrong length/)
    await terminal.press('C-c')
    await terminal.shows(/^ended with 0$/m)
  })

  it('joins a cluster with the id that another peer prints, works for it, and leaves it well when it is told to stop', async () => {
    const cluster = await Cluster.start({ names: ['birch'] })
    try {
      const terminal = await open({ name: 'joins', env: peerEnv(join(root, 'third')), columns: 110 })
      await terminal.shows(/▸ Create a new cluster/)
      await terminal.press('Down', 'Enter')
      await terminal.shows(/▸ Cluster id/)
      await terminal.type(cluster.peer('birch').announcement.cluster)
      await terminal.press('Tab')
      await terminal.shows(/▸ Name/)
      await terminal.type('atlas')
      await terminal.press('Enter')
      await terminal.shows(/worker atlas {2}orchestrator birch ok {2}no isolation {2}2 peers/)
      await eventually('the other peer sees it', async () =>
        (await seenBy(cluster.peer('birch'), 'atlas')) === 'alive' ? true : undefined
      )
      await terminal.type('q')
      await terminal.shows(/This screen is peer atlas\. Nothing runs here\. Stop it\?/)
      await terminal.type('d')
      await terminal.shows(/^ended with 0$/m)
      await eventually('the other peer sees it go', async () =>
        (await seenBy(cluster.peer('birch'), 'atlas')) === 'alive' ? undefined : true
      )
    } finally {
      await cluster.stop()
    }
  })

  describe('where a peer runs already', () => {
    let cluster: Cluster
    before(async () => {
      cluster = await Cluster.start({ peers: 2 })
    })
    after(() => cluster?.stop())

    it('attaches, follows the size of the window, and leaves the peer alone', async () => {
      const orchestrator = await cluster.settled()
      const terminal = await open({ name: 'attach', env: { CARES_API: orchestrator.api } })
      await terminal.shows(new RegExp(`orchestrator ${orchestrator.name}.* 2 peers[^]*peer-0[^]*peer-1`))
      await terminal.resize(120, 36)
      await terminal.shows(/USD\/H/)
      await terminal.resize(60, 18)
      const narrow = await terminal.shows(/CPU {4}MEMORY {3}RUN/)
      for (const line of narrow.trimEnd().split('\n')) assert.ok(line.length <= 60, line)
      await terminal.resize(30, 8)
      await terminal.shows(/enlarge the window/)
      await terminal.resize(80, 24)
      await terminal.shows(/\[u] Upload function/)
      await terminal.type(':')
      await terminal.type('pee')
      await terminal.press('Tab')
      await terminal.shows(/peers {2}peer\b/)
      await terminal.type('s -o name')
      await terminal.press('Enter')
      await terminal.shows(/│ peer-[01] +│\n│ peer-[01] +│[^]*esc back/)
      await terminal.type('q')
      await terminal.shows(/^ended with 0$/m)
      assert.ok(orchestrator.isRunning)
    })

    it('shows a worker by itself, without colours or UTF-8 where these are not wanted', async () => {
      const orchestrator = await cluster.settled()
      const worker = cluster.alive.find(peer => peer !== orchestrator) ?? orchestrator
      const terminal = await open({ name: 'worker', env: { CARES_API: worker.api, NO_COLOR: '1', LC_ALL: 'C' } })
      const text = await terminal.shows(new RegExp(`worker ${worker.name} {2}orchestrator ${orchestrator.name}[^]*CPU +[#=.]+[^]*Network`))
      assert.match(text, /^[\x20-\x7e\n]*$/)
      assert.doesNotMatch(await terminal.screen({ escapes: true }), /\[(?:\d+;)*[34][0-7](?:;\d+)*m/)
    })

    it('runs a task by its form, and shows what it wrote and how it went', async () => {
      const peer = await cluster.settled()
      const terminal = await open({ name: 'task', env: { CARES_API: peer.api } })
      await terminal.shows(/\[t] Tasks/)
      await terminal.type('t')
      await terminal.shows(/There are no tasks yet\. *│\n│ *│\n│ Press n to run one/)
      await terminal.type('n')
      await terminal.shows(/Run a task[^]*▸ Command/)
      await terminal.press('Enter')
      await terminal.shows(/! Command is needed/)
      await terminal.type('wc')
      await terminal.press('Tab')
      await terminal.shows(/▸ Arguments/)
      await terminal.type("-w 'unclosed")
      await terminal.press('Enter')
      await terminal.shows(/! Arguments: /)
      for (let letter = 0; letter < " 'unclosed".length; letter++) await terminal.press('BSpace')
      await terminal.press('Tab')
      await terminal.shows(/▸ Input/)
      await terminal.type('three short words')
      await terminal.shows(/the same as {2}cares run --input 'three short words' -- wc -w/)
      await terminal.press('Enter')
      await terminal.shows(/ done ─╮\n│ wc is task t-\w+ +│\n│ 3 +│/)
      await terminal.press('Escape')
      await terminal.shows(/0 queued .* 1 succeeded[^]*▸ wc +succeeded +1\/\d/)
      await terminal.press('Enter')
      await terminal.shows(/succeeded[^]*esc back/)
    })

    it('follows the role: one of those that are watched leads when the orchestrator has been killed, and the other says so', async () => {
      await cluster.add('peer-2')
      const killed = await cluster.settled()
      await eventually('all three vote', async () => ((await clusterOf(killed)).voters.length === 3 ? true : undefined))
      const watched = cluster.alive.filter(peer => peer !== killed)
      const terminals = await Promise.all(
        watched.map(peer => open({ name: `role-${peer.name}`, env: { CARES_API: peer.api }, columns: 100, rows: 30 }))
      )
      await Promise.all(
        terminals.map((terminal, at) => terminal.shows(new RegExp(`worker ${watched[at]?.name} {2}orchestrator ${killed.name} ok`)))
      )
      await killed.crash()
      const leader = await cluster.settled()
      await Promise.all(
        terminals.map(async (terminal, at) => {
          const leads = watched[at] === leader
          const heading = leads ? `orchestrator ${leader.name}, term \\d+` : `worker ${watched[at]?.name} {2}orchestrator ${leader.name} ok`
          const text = await terminal.shows(new RegExp(`${heading}.* 2 peers, 1 gone[^]*! .*${killed.name}`))
          assert.match(text, leads ? /\[u] Upload function/ : /Activity/)
        })
      )
      await cluster.add(killed.name)
    })

    it('keeps the last picture when its peer dies, and goes on when it is back', async () => {
      const worker = cluster.alive.find(({ name }) => name === 'peer-1') ?? cluster.peer('peer-0')
      const terminal = await open({ name: 'lost', env: { CARES_API: worker.api } })
      await terminal.shows(new RegExp(`(worker|orchestrator) ${worker.name}`))
      const { host } = new URL(worker.api)
      await worker.crash()
      await terminal.shows(/RECONNECTING to http:\S+ \(\d+s\)[^]*connection refused/)
      await cluster.add(worker.name, ['--http', host])
      const back = await terminal.shows(new RegExp(`(worker|orchestrator) ${worker.name}`))
      assert.doesNotMatch(back, /RECONNECTING/)
    })
  })
})
