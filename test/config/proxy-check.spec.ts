import assert from 'node:assert/strict'
import { proxyChecks } from '../../src/config/proxy-check.ts'

describe('the check for a proxy', () => {
  it('says nothing where none is set', () => assert.deepEqual(proxyChecks({ NO_PROXY: 'x', HTTP_PROXY: '' }), []))

  it('finds one that would be asked for a peer of this machine', () => {
    const [check] = proxyChecks({ https_proxy: 'http://proxy:3128', NO_PROXY: 'example.com' })
    assert.equal(check?.ok, false)
    assert.match(check?.message ?? '', /^https_proxy is set/)
    assert.match(check?.hint ?? '', /NO_PROXY=127\.0\.0\.1,localhost/)
  })

  it('minds none that leaves this machine out', () => {
    for (const excluded of ['localhost, .lan', '*', '10.0.0.1,127.0.0.1']) {
      assert.equal(proxyChecks({ HTTP_PROXY: 'http://proxy', no_proxy: excluded })[0]?.ok, true, excluded)
    }
  })
})
