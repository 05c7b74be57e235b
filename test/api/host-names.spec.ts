import assert from 'node:assert/strict'
import { createHostCheck } from '../../src/api/host-names.ts'

const OWN = [
  '127.0.0.1',
  '127.0.0.1:7070',
  '10.0.0.5:80',
  '[::1]',
  '[fd00::5]:7070',
  'localhost:7070',
  'LOCALHOST.',
  'dash.localhost',
  'peer',
  'first:7070',
  'nas.local:7070',
  'host.docker.internal:7070',
  'peer1.home.arpa',
  'cares.example',
  'Cares.Example.:443',
  ''
] as const

const FOREIGN = [
  'evil.example',
  'evil.example:7070',
  'evil.example.',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  'local.evil.example',
  'notcares.example',
  'sub.cares.example',
  'evil.example/localhost:1:2',
  'user:evil@peer',
  '[evil.example]',
  '[::1].evil.example',
  '[::1'
] as const

describe('a host check', () => {
  const isOwn = createHostCheck(['cares.example'])
  for (const host of OWN) it(`takes ${JSON.stringify(host)}`, () => assert.equal(isOwn({ host }), true))
  for (const host of FOREIGN) it(`refuses ${JSON.stringify(host)}`, () => assert.equal(isOwn({ host }), false))
  it('takes a request without a host', () => assert.equal(isOwn({}), true))
})
