import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerId } from '../../src/model/ids.ts'
import type { Identity } from '../../src/model/ports/store.ts'
import { loadIdentity } from '../../src/store/identity.ts'
import { readSecret, removeSecret, writeSecret } from '../../src/store/secret.ts'
import { useTempDirs } from '../support/temp-dirs.ts'

const identity = (id: string): Identity => ({ id: id as PeerId, privateKey: Uint8Array.from({ length: 68 }, (_, i) => (i * 37) % 256) })
const never = (): never => {
  throw new Error('an identity is there already')
}

describe('the identity file', () => {
  const tempDir = useTempDirs()

  it('is made once, and read from then on', async () => {
    const dataDir = join(tempDir(), 'new', 'data')
    assert.deepEqual(await loadIdentity(dataDir, () => identity('12D3KooWA')), identity('12D3KooWA'))
    assert.deepEqual(await loadIdentity(dataDir, never), identity('12D3KooWA'))
  })

  it('is for its owner only, and leaves nothing else behind', async () => {
    const dataDir = join(tempDir(), 'data')
    await loadIdentity(dataDir, () => identity('12D3KooWA'))
    assert.equal(statSync(dataDir).mode & 0o777, 0o700)
    assert.equal(statSync(join(dataDir, 'identity.key')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(dataDir), ['identity.key'])
  })

  it('is the same for all who make it at once', async () => {
    const dataDir = tempDir()
    const both = await Promise.all(['12D3KooWA', '12D3KooWB'].map(id => loadIdentity(dataDir, async () => identity(id))))
    assert.deepEqual(both[0], both[1])
    assert.deepEqual(await loadIdentity(dataDir, never), both[0])
    assert.deepEqual(readdirSync(dataDir), ['identity.key'])
  })

  it('is refused when any part of it is lost or changed', async () => {
    const dataDir = tempDir()
    await loadIdentity(dataDir, () => identity('12D3KooWA'))
    const path = join(dataDir, 'identity.key')
    const sound = readFileSync(path)
    for (let at = 0; at < sound.length - 1; at++) {
      const variants = [sound.map((byte, i) => (i === at ? byte ^ 1 : byte)), sound.subarray(0, at)]
      for (const [i, bad] of variants.entries()) {
        writeFileSync(path, bad)
        await assert.rejects(
          loadIdentity(dataDir, never),
          { code: 'disk_failed', details: { disk: 'corrupt' } },
          `byte ${at}, variant ${i}`
        )
      }
    }
  })

  it('is not replaced when it cannot be read', async () => {
    const dataDir = tempDir()
    mkdirSync(join(dataDir, 'identity.key'))
    await assert.rejects(loadIdentity(dataDir, never), { code: 'disk_failed', message: /cannot read .*identity\.key/ })
  })

  it('says so when its directory cannot be made', async () => {
    const path = join(tempDir(), 'file')
    writeFileSync(path, '')
    await assert.rejects(loadIdentity(join(path, 'data'), never), {
      code: 'disk_failed',
      details: { disk: 'no-access' },
      message: /make the data directory/
    })
  })
})

describe('the secret file', () => {
  const tempDir = useTempDirs()

  it('is absent at first, then holds what was written last, for its owner only', () => {
    const dataDir = join(tempDir(), 'data')
    assert.equal(readSecret(dataDir), null)
    writeSecret(dataDir, 'k7Qm-first')
    chmodSync(join(dataDir, 'cluster.secret'), 0o644)
    writeSecret(dataDir, 'k7Qm-second')
    assert.equal(readSecret(dataDir), 'k7Qm-second')
    assert.equal(statSync(join(dataDir, 'cluster.secret')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(dataDir), ['cluster.secret'])
  })

  it('can be forgotten, and forgotten again', () => {
    const dataDir = tempDir()
    writeSecret(dataDir, 'k7Qm-first')
    removeSecret(dataDir)
    removeSecret(dataDir)
    assert.equal(readSecret(dataDir), null)
  })

  it('is not taken for "no secret" when it is empty', () => {
    const dataDir = tempDir()
    writeFileSync(join(dataDir, 'cluster.secret'), '\n')
    assert.throws(() => readSecret(dataDir), { code: 'disk_failed', details: { disk: 'corrupt' } })
  })
})
