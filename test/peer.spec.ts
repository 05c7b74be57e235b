import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { readPeerConfig } from '../src/config.ts'
import { createPeer, type Peer } from '../src/peer.ts'
import { eventually } from './support/eventually.ts'
import { useTempDirs } from './support/temp-dirs.ts'
import { createTestLog } from './support/test-log.ts'

/** Nothing listens on port 1: the cluster of this id is never found. */
const ABSENT = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWQfTmnGAmScQEaFUMQ1qnKeXYjF4SrqVcfHp1jetzqBnT#C15gacTo4q7M90E6ThuYRSSyBgRer90q'

describe('a peer', function () {
  this.timeout(30_000)
  const tempDir = useTempDirs()

  async function build(): Promise<Peer> {
    const flags = { data: tempDir(), http: '127.0.0.1:0', listen: ['/ip4/127.0.0.1/tcp/0'], runtime: 'process', bootstrap: [ABSENT] }
    const { config } = readPeerConfig(flags, { env: {} })
    return createPeer(config, { log: createTestLog() })
  }

  it('that is stopped while it starts leaves nothing that listens', async () => {
    const peer = await build()
    const starting = assert.rejects(peer.start(), { code: 'stopping' })
    await peer.stop()
    await starting
    assert.ok(!(await answers(peer.apiUrl)), 'its API still answers')
  })

  it('that is stopped while it looks for its cluster leaves nothing that listens', async () => {
    const peer = await build()
    const starting = assert.rejects(peer.start(), { code: 'stopping' })
    await eventually('its API answers', () => answers(peer.apiUrl))
    const { apiUrl } = peer
    await peer.stop()
    await starting
    assert.ok(!(await answers(apiUrl)), 'its API still answers')
  })

  it('that cannot listen for peers says where, before its API is open to anybody', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const log = createTestLog()
    const listen = ['/ip4/127.0.0.1/tcp/0', `/ip4/127.0.0.1/tcp/${port}`]
    const { config } = readPeerConfig({ data: tempDir(), http: '127.0.0.1:0', listen, runtime: 'process' }, { env: {} })
    const peer = await createPeer(config, { log })
    try {
      await assert.rejects(peer.start(), { code: 'conflict', message: `the address to listen on for peers is in use: 127.0.0.1:${port}` })
      assert.deepEqual(
        log.records.filter(({ message }) => message === 'API listens'),
        []
      )
    } finally {
      await peer.stop()
      other.close()
    }
  })

  it('that leaves its cluster keeps no secret of it', async () => {
    const data = tempDir()
    const { config } = readPeerConfig({ data, http: '127.0.0.1:0', listen: ['/ip4/127.0.0.1/tcp/0'], runtime: 'process' }, { env: {} })
    const peer = await createPeer(config, { log: createTestLog() })
    await peer.start()
    assert.ok(existsSync(join(data, 'cluster.secret')))
    await peer.service.leave({ signal: AbortSignal.timeout(10_000) })
    await peer.left
    assert.equal(existsSync(join(data, 'cluster.secret')), false)
    await peer.stop()
  })

  describe('that finds its database gone', () => {
    const built = (data: string, more: object = {}): Promise<Peer> => {
      const { config } = readPeerConfig(
        { data, http: '127.0.0.1:0', listen: ['/ip4/127.0.0.1/tcp/0'], runtime: 'process', ...more },
        { env: {} }
      )
      return createPeer(config, { log: createTestLog() })
    }
    /** A directory of a peer that has founded a cluster and was stopped, without its database. */
    const robbed = async (more: object = {}): Promise<string> => {
      const data = tempDir()
      await (await built(data, more)).stop()
      for (const name of readdirSync(data)) if (name.startsWith('cares.db')) rmSync(join(data, name))
      return data
    }
    const refusal = { code: 'conflict', message: /its database is gone/, hint: /--bootstrap [^]* remove the directory/ }

    for (const [kind, more] of [
      ['private', {}],
      ['open', { open: true }]
    ] as const) {
      it(`founds no other cluster beside its ${kind} one, however often it is started`, async () => {
        const data = await robbed(more)
        for (const when of ['at first', 'once more']) await assert.rejects(built(data, more), refusal, when)
      })
    }

    it('founds none either after it has looked for its cluster in vain, on the database of that try', async () => {
      const data = await robbed()
      await (await built(data, { bootstrap: [ABSENT.split('#')[0]] })).stop()
      await assert.rejects(built(data), refusal)
    })

    it('takes keys alone, put back from a copy, for no reason to found one', async () => {
      const data = await robbed()
      rmSync(join(data, 'cluster.uid'))
      for (const when of ['at first', 'once more']) await assert.rejects(built(data), refusal, when)
    })

    it('goes on where an earlier start came to nothing, or has left', async () => {
      const data = await robbed()
      for (const name of readdirSync(data)) if (name !== 'identity.key') rmSync(join(data, name), { recursive: true })
      const peer = await built(data)
      await peer.start()
      await peer.service.leave({ signal: AbortSignal.timeout(10_000) })
      await peer.left
      await peer.stop()
      assert.ok(!readdirSync(data).includes('cluster.uid'), 'it has left')
      await (await built(data)).stop()
      assert.ok(readdirSync(data).includes('cluster.uid'), 'it has founded another one')
    })
  })
})

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).status > 0
  } catch {
    return false
  }
}
