import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { registryAuth, registryOf } from '../../src/runtime/registry-auth.ts'
import { useTempDirs } from '../support/temp-dirs.ts'

const HUB = 'https://index.docker.io/v1/'
const { signal } = new AbortController()
const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('the credentials of a registry', () => {
  const tempDir = useTempDirs()

  for (const [image, registry] of [
    ['nginx', HUB],
    ['acme/thumb:1.4', HUB],
    ['docker.io/acme/thumb', HUB],
    ['ghcr.io/acme/thumb:1.4', 'ghcr.io'],
    ['localhost/a', 'localhost'],
    ['registry:5000/a/b', 'registry:5000']
  ] as const) {
    it(`of ${image} are those of ${registry}`, () => assert.equal(registryOf(image), registry))
  }

  for (const [claim, config, image, auth] of [
    ['none', {}, 'nginx', undefined],
    ['of another registry', { auths: { 'ghcr.io': { auth: base64('me:x') } } }, 'nginx', undefined],
    [
      'with a colon in the password',
      { auths: { 'ghcr.io': { auth: base64('me:pass:word') } } },
      'ghcr.io/a/b',
      { username: 'me', password: 'pass:word', serveraddress: 'ghcr.io' }
    ],
    [
      'under its address',
      { auths: { 'https://ghcr.io': { auth: base64('me:x') } } },
      'ghcr.io/a',
      { username: 'me', password: 'x', serveraddress: 'ghcr.io' }
    ],
    ['as a token', { auths: { [HUB]: { identitytoken: 't' } } }, 'nginx', { identitytoken: 't', serveraddress: HUB }]
  ] as const) {
    it(`are found in what docker login wrote: ${claim}`, async () => {
      const folder = tempDir()
      writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
      assert.deepEqual(await registryAuth(image, folder, { signal }), auth)
    })
  }

  it('are none where nobody has logged in', async () => {
    assert.equal(await registryAuth('nginx', join(tempDir(), 'absent'), { signal }), undefined)
  })

  it('say when they cannot be read, or asked for, instead of going without', async () => {
    const folder = tempDir()
    writeFileSync(join(folder, 'config.json'), '{')
    await assert.rejects(registryAuth('nginx', folder, { signal }), { code: 'invalid', message: /cannot be read/ })
    writeFileSync(join(folder, 'config.json'), 'null')
    await assert.rejects(registryAuth('nginx', folder, { signal }), { code: 'invalid', message: /cannot be read/ })
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ credsStore: '../x' }))
    await assert.rejects(registryAuth('nginx', folder, { signal }), { code: 'invalid', message: /not the name/ })
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ credsStore: 'there-is-none' }))
    await assert.rejects(registryAuth('nginx', folder, { signal }), { code: 'invalid', message: /docker-credential-there-is-none/ })
  })
})
