import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { Consensus } from '../../../src/daemon/agreement/consensus.ts'
import type { LogRetention } from '../../../src/daemon/agreement/consensus-init.ts'
import { SnapshotHealth } from '../../../src/daemon/agreement/snapshot-health.ts'
import { foundCluster } from '../../../src/daemon/agreement/found-cluster.ts'
import type { Command } from '../../../src/model/command.ts'
import type { ConsensusMessage } from '../../../src/model/consensus.ts'
import type { ClusterUid, Digest, PeerId } from '../../../src/model/ids.ts'
import type { Persisted, Store } from '../../../src/model/ports/store.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { PRESETS } from '../../../src/model/presets.ts'
import { createRandom, type Random } from '../../../src/model/random.ts'
import { MemoryDisk, MemoryStore } from '../../../src/simulate/memory-store.ts'
import { diskError } from '../../../src/store/disk-error.ts'
import { SqliteStore } from '../../../src/store/sqlite-store.ts'
import { decodeCommand, encodeCommand } from '../../../src/wire/command-codec.ts'
import { sampleFunction } from '../../support/samples.ts'
import { useTempDirs } from '../../support/temp-dirs.ts'
import { createTestLog } from '../../support/test-log.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const [LEADER, LEARNER] = ['leader', 'learner'] as PeerId[] as [PeerId, PeerId]
const RETENTION: LogRetention = { trailingEntries: 2, trailingBytes: 100_000, compactEveryEntries: 3, chunkBytes: 20 }
/** A snapshot of them has some twenty chunks of the size above. */
const FUNCTIONS = 5
/** Field 99, a number, 1. */
const UNKNOWN_FIELD = Buffer.from([0x98, 0x06, 0x01])
/** Virtual: hundreds of election timeouts. */
const PATIENCE_MS = 600_000
const STEP_MS = 50

const put = (n: number): Command => ({
  type: 'function-put',
  spec: sampleFunction({ name: `f${n}` }),
  digest: `sha256:${'0'.repeat(64)}` as Digest,
  imageBytes: n,
  at: '2026-01-02T03:04:05.000Z'
})

/** Two drivers of consensus with nothing between them but a link that may lose and damage what it carries. */
class Pair {
  readonly clock = new ManualClock()
  readonly log = createTestLog()
  readonly chunks: number[] = []
  readonly clusters = new Map<PeerId, ClusterUid>()
  readonly health = new SnapshotHealth()
  readonly #peers = new Map<PeerId, Consensus>()
  /** What becomes of one message; the default carries it. */
  link: (message: ConsensusMessage) => ConsensusMessage | undefined = message => message

  async add(self: PeerId, store: Store, persisted: Persisted): Promise<Consensus> {
    const sendConsensus = (to: PeerId, message: ConsensusMessage): void => {
      if (message.type === 'snapshot-request') this.chunks.push(message.offset)
      const carried = this.link(message)
      if (carried !== undefined) setImmediate(() => this.#peers.get(to)?.receive(self, carried))
    }
    const nothing = (): void => {}
    const peer = new Consensus(
      { self, timings: PRESETS.lan, persisted, retention: RETENTION },
      {
        store,
        transport: { self, sendConsensus } as Transport,
        clock: this.clock,
        log: this.log,
        random: createRandom(1),
        codec: { encode: encodeCommand, decode: decodeCommand },
        snapshotHealth: this.health,
        cluster: () => this.clusters.get(self) ?? null,
        listener: { onRole: nothing, onConfiguration: nothing, onTables: nothing, onFenced: nothing }
      }
    )
    this.#peers.set(self, peer)
    await peer.start()
    return peer
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    for (let waitedMs = 0; !isSo(); waitedMs += STEP_MS) {
      assert.ok(waitedMs < PATIENCE_MS, `waited for: ${what}`)
      await this.clock.pass(STEP_MS)
    }
  }

  /** A leader whose log is cut, on a disk of its own. */
  async leader(): Promise<Consensus> {
    const store = new MemoryStore(new MemoryDisk())
    await store.start()
    const persisted = await foundCluster(store, await store.load(), { self: LEADER, uid: 'uid' as ClusterUid })
    const leader = await this.add(LEADER, store, persisted)
    await this.until('a leader', () => leader.role.active)
    for (let n = 0; n < FUNCTIONS * 4; n++) {
      const committed = leader.propose(put(n % FUNCTIONS), { signal: this.clock.timeout(PATIENCE_MS) })
      await this.clock.pass(0)
      await committed
    }
    await leader.reconfigure({ voters: [LEADER], learners: [LEARNER] }, { from: leader.configuration })
    return leader
  }

  async stop(): Promise<void> {
    for (const peer of this.#peers.values()) await peer.stop()
  }
}

async function opened(store: Store): Promise<Persisted> {
  await store.start()
  return store.load()
}

describe('consensus, driven', () => {
  const tempDir = useTempDirs()

  it('brings a peer up from nothing by a snapshot in chunks, once the log behind is cut', async () => {
    const pair = new Pair()
    const leader = await pair.leader()
    const store = new SqliteStore({ dataDir: tempDir() })
    try {
      const learner = await pair.add(LEARNER, store, await opened(store))
      await pair.until('the learner has it all', () => learner.indices.applied === leader.indices.applied)
      assert.deepEqual(learner.tables, leader.tables)
      assert.ok(pair.chunks.length > 10, `${pair.chunks.length} chunks`)
      assert.deepEqual(
        pair.chunks,
        pair.chunks.map((_, i) => i * RETENTION.chunkBytes),
        'each once, in order'
      )
    } finally {
      await pair.stop()
      await store.stop()
    }
  })

  it('gets a snapshot across whatever is lost, damaged or broken off on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(fc.nat({ max: 40 }), { maxLength: 4 }), async (seed, lives) => {
        const random: Random = createRandom(seed)
        const pair = new Pair()
        const disk = new MemoryDisk()
        const leader = await pair.leader()
        pair.link = message => {
          if (random() < 0.1) return undefined
          if (message.type !== 'snapshot-request' || random() < 0.7) return message
          const data = Uint8Array.from(message.data)
          const at = Math.floor(random() * data.length)
          data[at] = (data[at] ?? 0) ^ 1
          return { ...message, data }
        }
        // Each life ends, by a crash, after so many steps; the last one may finish.
        for (const steps of lives) {
          const store = new MemoryStore(disk)
          const learner = await pair.add(LEARNER, store, await opened(store))
          await pair.clock.pass(steps * STEP_MS)
          disk.openedBy = null
          await learner.stop()
          assert.equal(learner.fenced, null)
        }
        const store = new MemoryStore(disk)
        const learner = await pair.add(LEARNER, store, await opened(store))
        await pair.until('the learner has it all', () => learner.indices.applied === leader.indices.applied)
        assert.deepEqual(learner.tables, leader.tables)
        await pair.stop()
      }),
      { numRuns: 12 }
    )
  })

  it('waits for a snapshot that it can read, says what to upgrade, and takes it when it comes', async () => {
    const pair = new Pair()
    const leader = await pair.leader()
    pair.link = message => {
      if (message.type !== 'snapshot-request' || message.offset > 0) return message
      const data = Buffer.from(Buffer.from(message.data).toString('latin1').replace('cares-snapshot 1 ', 'cares-snapshot 9 '), 'latin1')
      return { ...message, data, dataChecksum: crc32(data) }
    }
    const store = new MemoryStore(new MemoryDisk())
    const learner = await pair.add(LEARNER, store, await opened(store))
    await pair.clock.pass(60_000)
    assert.deepEqual([learner.fenced, learner.indices.applied], [null, 0])
    const told = pair.log.records.filter(({ message }) => message.includes('newer version 9: upgrade this peer'))
    assert.equal(told.length, 1, 'once a minute')
    assert.match(pair.health.failure ?? '', /cannot read a snapshot.*upgrade this peer/)
    pair.link = message => message
    await pair.until('the learner has it all', () => learner.indices.applied === leader.indices.applied)
    assert.equal(pair.health.failure, undefined)
    await pair.stop()
  })

  it('goes on with a snapshot after a restart, without asking for what it has', async () => {
    const pair = new Pair()
    const leader = await pair.leader()
    const dataDir = tempDir()
    let store = new SqliteStore({ dataDir })
    let left = 5
    pair.link = message => (message.type === 'snapshot-request' && left-- <= 0 ? undefined : message)
    const first = await pair.add(LEARNER, store, await opened(store))
    await pair.until('some chunks', () => pair.chunks.length > 5)
    await first.stop()
    await store.stop()

    store = new SqliteStore({ dataDir })
    const persisted = await opened(store)
    assert.equal(persisted.staged?.received, 5 * RETENTION.chunkBytes)
    pair.link = message => message
    pair.chunks.length = 0
    try {
      const again = await pair.add(LEARNER, store, persisted)
      await pair.until('the learner has it all', () => again.indices.applied === leader.indices.applied)
      assert.deepEqual(again.tables, leader.tables)
      assert.ok(Math.min(...pair.chunks) >= 5 * RETENTION.chunkBytes, pair.chunks.join())
    } finally {
      await pair.stop()
      await store.stop()
    }
  })

  it('hears nobody of another cluster', async () => {
    const pair = new Pair()
    const leader = await pair.leader()
    pair.clusters.set(LEADER, 'lost' as ClusterUid)
    pair.clusters.set(LEARNER, 'recovered' as ClusterUid)
    const store = new MemoryStore(new MemoryDisk())
    const learner = await pair.add(LEARNER, store, await opened(store))
    await pair.clock.pass(10_000)
    assert.deepEqual([learner.term, learner.indices.last, learner.silentMs(LEADER)], [0, 0, Number.POSITIVE_INFINITY])
    pair.clusters.set(LEARNER, 'lost' as ClusterUid)
    await pair.until('the learner has it all', () => learner.indices.applied === leader.indices.applied)
    await pair.stop()
  })

  it('takes no part any more when its learner knows of later entries to be agreed than it has itself', async () => {
    const pair = new Pair()
    const leader = await pair.leader()
    const { last } = leader.indices
    leader.receive(LEARNER, { type: 'append-response', term: leader.term, ok: true, match: last + 1, round: 1 })
    await pair.until('the end of its part', () => leader.fenced !== null)
    assert.match(leader.fenced?.message ?? '', /an old or a copied one/)
    await pair.stop()
  })

  it('takes no part any more when the log holds a command of a newer version, and does not skip it', async () => {
    const pair = new Pair()
    const leader = await pair.leader()
    const store = new MemoryStore(new MemoryDisk())
    const learner = await pair.add(LEARNER, store, await opened(store))
    await pair.until('the learner has it all', () => learner.indices.applied === leader.indices.applied)
    const { applied } = learner.indices
    pair.link = message => {
      if (message.type !== 'append-request') return message
      const entries = message.entries.map(entry =>
        entry.kind === 'command' ? { ...entry, command: Buffer.concat([encodeCommand(put(1)), UNKNOWN_FIELD]) } : entry
      )
      return { ...message, entries }
    }
    const committed = leader.propose(put(9), { signal: pair.clock.timeout(PATIENCE_MS) })
    await pair.until('the end of its part', () => learner.fenced !== null)
    await committed
    assert.equal(learner.fenced?.code, 'incompatible')
    assert.match(learner.fenced?.hint ?? '', /upgrade this peer/)
    assert.equal(learner.indices.applied, applied)
    await pair.stop()
  })

  it('takes no part any more when its disk fails to write, and says so', async () => {
    const pair = new Pair()
    const leader = await pair.leader()
    const store = new MemoryStore(new MemoryDisk())
    const learner = await pair.add(LEARNER, store, await opened(store))
    await pair.until('the learner has it all', () => learner.indices.applied === leader.indices.applied)
    store.persist = async () => {
      throw diskError('write the log', Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' }))
    }
    const committed = leader.propose(put(9), { signal: pair.clock.timeout(PATIENCE_MS) })
    await pair.until('the end of its part', () => learner.fenced !== null)
    await committed
    assert.match(learner.fenced?.message ?? '', /^cannot write the log: the disk failed to read or write \(EIO/)
    assert.match(learner.fenced?.hint ?? '', /disk errors/)
    assert.equal(leader.fenced, null)
    await pair.stop()
  })
})
