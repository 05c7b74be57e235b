import assert from 'node:assert/strict'
import { uploadWarnings } from '../../../src/api/views/upload-warnings.ts'
import type { PeerProfile, PeerState } from '../../../src/model/peer.ts'

const GI = 2 ** 30

describe('warnings at an upload', () => {
  const peer = (
    cpus: number,
    memoryBytes: number,
    { runtime = 'docker', state = 'alive' }: { runtime?: string; state?: PeerState } = {}
  ) => ({
    profile: { runtime, capacity: { cpus, memoryBytes, diskBytes: 0 } } as unknown as PeerProfile,
    state
  })
  const small = peer(8, 1 * GI)
  const large = peer(2, 16 * GI)
  const cases: readonly (readonly [
    what: string,
    needs: [cpus: number, memoryBytes: number],
    peers: ReturnType<typeof peer>[],
    warning: RegExp | undefined
  ])[] = [
    ['what one peer can hold', [2, 16 * GI], [small, large], undefined],
    ['more memory than any peer has', [0.5, 64 * GI], [small, large], /asks for 64Gi of memory, and the largest peer shares 16Gi$/],
    ['more cores than any peer has', [16, 1 * GI], [small, large], /the 16 cores that thumb asks for: the largest shares 8$/],
    ['more than any one peer has at once', [8, 16 * GI], [small, large], /no peer has both/],
    ['peers that are drained, which may work again', [2, 16 * GI], [peer(2, 16 * GI, { state: 'draining' })], undefined],
    ['peers that are gone', [1, 1 * GI], [peer(2, 16 * GI, { state: 'gone' })], /no peer takes work/],
    ['peers that do not work', [1, 1 * GI], [peer(2, 16 * GI, { runtime: 'none' })], /no peer takes work/]
  ]
  for (const [what, [cpus, memoryBytes], peers, warning] of cases) {
    it(`${warning === undefined ? 'are not given' : 'are given'} for ${what}`, () => {
      const warnings = uploadWarnings({ name: 'thumb', cpus, memoryBytes }, peers)
      if (warning === undefined) assert.deepEqual(warnings, [])
      else assert.match(warnings.join(), warning)
    })
  }
})
