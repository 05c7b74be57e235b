import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { foundCluster } from '../../../src/daemon/agreement/found-cluster.ts'
import type { CliEnvironment } from '../../../src/faces/cli/environment.ts'
import type { Configuration } from '../../../src/model/consensus.ts'
import type { ClusterUid, PeerId } from '../../../src/model/ids.ts'
import { openRecovery } from '../../../src/recover.ts'
import { loadIdentity } from '../../../src/store/identity.ts'
import { SqliteStore } from '../../../src/store/sqlite-store.ts'
import { useTempDirs } from '../../support/temp-dirs.ts'
import { run } from './run.ts'

const SELF = 'peer-1' as PeerId
const OTHERS = ['peer-2', 'peer-3'] as PeerId[]

describe('cares recover', () => {
  const tempDir = useTempDirs()

  const environment = (data: string): Partial<CliEnvironment> => ({ openRecovery: async () => openRecovery({ data }) })

  /** The data of a stopped peer, whose cluster has come to these members. */
  async function stopped(configuration?: Configuration): Promise<string> {
    const dataDir = tempDir()
    await loadIdentity(dataDir, () => ({ id: SELF, privateKey: new Uint8Array(32) }))
    const store = new SqliteStore({ dataDir })
    await store.start()
    await foundCluster(store, await store.load(), { self: SELF, uid: 'uid' as ClusterUid })
    if (configuration !== undefined) await store.persist({ append: [{ index: 1, term: 1, kind: 'configuration', configuration }] })
    await store.stop()
    return dataDir
  }

  it('makes nothing where no peer has its data', async () => {
    const data = join(tempDir(), 'none')
    for (const argv of [['recover'], ['recover', '--force', '--yes']]) {
      const { code, stderr } = await run(argv, { environment: environment(data) })
      assert.equal(code, 4)
      assert.match(stderr, /no peer that was in a cluster has its data in /)
      assert.ok(!existsSync(data))
    }
    const left = tempDir()
    await loadIdentity(left, () => ({ id: SELF, privateKey: new Uint8Array(32) }))
    assert.equal((await run(['recover'], { environment: environment(left) })).code, 4)
    assert.deepEqual(readdirSync(left), ['identity.key'], 'nor where one has left its cluster')
  })

  it('says that nothing is lost where this peer is the only voter', async () => {
    const data = await stopped({ voters: [SELF], learners: OTHERS })
    const { code, stdout } = await run(['recover'], { environment: environment(data) })
    assert.equal(code, 0)
    assert.match(stdout, /\n\nNothing is lost: this peer is the only voter\. Start it as it is: cares peer\n$/)
    const { stderr } = await run(['recover', '--force'], { environment: environment(data) })
    assert.match(stderr, /Nothing is lost[^]*without the other peers/)
    assert.doesNotMatch(stderr, /Lost will be/)
  })

  it('tells how to go on where others vote, too', async () => {
    const data = await stopped({ voters: [SELF, ...OTHERS], learners: [] })
    const { stdout } = await run(['recover'], { environment: environment(data) })
    assert.match(stdout, /3 voters, of which 2 are needed[^]*\n\nTo go on from here: cares recover --force\n$/)
  })
})
