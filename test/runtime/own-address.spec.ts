import assert from 'node:assert/strict'
import { parseOwnAddress } from '../../src/runtime/cgroup-usage.ts'

const LOOPBACK = `  +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
`
const bridge = (network: string): string => `     +-- ${network}.0/16 2 0 2
           |-- ${network}.0
              /16 link UNICAST
           |-- ${network}.2
              /32 host LOCAL
        |-- ${network}.255
           /32 link BROADCAST
`

describe('the address of a container', () => {
  for (const [claim, text, address] of [
    [
      'is the one beside loopback, named in two tables',
      `Main:\n${LOOPBACK}${bridge('172.17.0')}Local:\n${LOOPBACK}${bridge('172.17.0')}`,
      '172.17.0.2'
    ],
    ['is not known without a network', `Main:\n${LOOPBACK}`, undefined],
    ['is not known with two', `Main:\n${bridge('172.17.0')}${bridge('10.1.2')}`, undefined],
    ['is not known of a program that has ended', '', undefined]
  ] as const) {
    it(claim, () => assert.equal(parseOwnAddress(text), address))
  }
})
