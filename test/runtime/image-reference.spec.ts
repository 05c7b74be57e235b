import assert from 'node:assert/strict'
import { requireImageReference } from '../../src/runtime/image-reference.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`

describe('the reference of an image', () => {
  for (const image of [
    'nginx',
    'nginx:1.27-alpine',
    'library/nginx',
    'ghcr.io/acme/thumb:1.4',
    'localhost:5000/a/b__c-d.e',
    'Registry.local/a',
    '[fd00::1]:5000/a',
    `acme/thumb:1.4@${DIGEST}`,
    DIGEST,
    '39c33a05fe91'
  ]) {
    it(`takes ${image}`, () => {
      assert.doesNotThrow(() => requireImageReference(image))
    })
  }

  for (const image of [
    '',
    'two words',
    '../x/y',
    'a/../b',
    'a//b',
    '/etc',
    'a/',
    'NGINX',
    'a:',
    'a?b=c',
    'a#b',
    'a%2fb',
    'a\nb',
    'x@sha256:12',
    'a'.repeat(600)
  ]) {
    it(`refuses ${JSON.stringify(image.slice(0, 40))}, which would be another path at the engine`, () => {
      assert.throws(() => requireImageReference(image), { code: 'invalid' })
    })
  }
})
