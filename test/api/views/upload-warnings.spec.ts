import assert from 'node:assert/strict'
import { type Asked, uploadWarnings } from '../../../src/api/views/upload-warnings.ts'
import type { PeerProfile, PeerState } from '../../../src/model/peer.ts'

const GI = 2 ** 30

describe('warnings at an upload', () => {
  const peer = (
    cpus: number,
    memoryBytes: number,
    {
      runtime = 'docker',
      state = 'alive',
      labels = {},
      arch = 'amd64',
      name = '',
      usdPerHour = 1
    }: { runtime?: string; state?: PeerState; labels?: Record<string, string>; arch?: string; name?: string; usdPerHour?: number } = {}
  ) => ({
    profile: { name, usdPerHour, runtime, labels, arch, capacity: { cpus, memoryBytes, diskBytes: 0 } } as unknown as PeerProfile,
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
    [
      'more cores than any peer has',
      [16, 1 * GI],
      [small, large],
      /no peer can run thumb: it asks for 16 cores, and the largest peer shares 8$/
    ],
    ['more than any one peer has at once', [8, 16 * GI], [small, large], /none has all that it asks for at once: 8 cores, 16Gi of memory$/],
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

  const placed: readonly (readonly [what: string, asked: Partial<Asked>, labels: Record<string, string>, warning: RegExp | undefined])[] = [
    ['an image for machines that are not there', { arch: 'riscv64' }, {}, /its image is for riscv64, and the peers are amd64, arm64$/],
    ['an image for machines that are there', { arch: 'arm64' }, {}, undefined],
    ['an image for machines that are too small', { arch: 'arm64', memoryBytes: 8 * GI }, {}, /at once: 1 cores, 8Gi of memory, arm64$/],
    ['GPUs where there are none', { gpus: 3 }, {}, /asks for 3 GPUs, and no peer has any$/],
    ['more GPUs than any peer has', { gpus: 3 }, { gpu: '2' }, /asks for 3 GPUs, and no peer has more than 2$/],
    ['GPUs that a peer has', { gpus: 2 }, { gpu: '2' }, undefined],
    ['a label that no peer has', { placement: { require: ['zone='] } }, { zone: 'eu' }, /requires zone=, and no peer is labelled so$/],
    ['a label that a peer has', { placement: { require: ['zone=eu', 'disk!=slow'] } }, { zone: 'eu' }, undefined],
    [
      'labels that no peer has together',
      { cpus: 8, placement: { require: ['zone=eu'] } },
      { zone: 'eu' },
      /at once: 8 cores, 1Gi of memory, zone=eu$/
    ]
  ]
  const priced: readonly (readonly [what: string, placement: Asked['placement'], free: readonly string[], warnings: readonly string[]])[] =
    [
      ['an objective where all state a price', { objective: 'cheap' }, [], []],
      ['no objective', {}, ['ana'], []],
      ['an objective that does not look at money', { objective: 'latency' }, ['ana'], []],
      ['an objective where one states none', { objective: 'cheap' }, ['ana'], ['prices do not count: ana states none']],
      [
        'an objective where many state none',
        { objective: 'cheap' },
        ['ana', 'ben', 'cy', 'di', 'ed'],
        ['prices do not count: ana, ben, cy and 2 more state none']
      ],
      [
        'a limit where one states none',
        { maxCostUsd: 1 },
        ['ana'],
        ['what runs on a peer that states no price counts as free, whatever the most that it may cost']
      ]
    ]
  for (const [what, placement, free, expected] of priced) {
    it(`${expected.length === 0 ? 'are not given' : 'are given'} for ${what}`, () => {
      const peers = [
        peer(2, 16 * GI),
        peer(2, 16 * GI, { state: 'gone', usdPerHour: 0 }),
        ...free.map(name => peer(2, 16 * GI, { name, usdPerHour: 0 }))
      ]
      assert.deepEqual(uploadWarnings({ name: 'thumb', cpus: 1, memoryBytes: GI, placement }, peers), expected)
    })
  }
  it('are given for an objective where nobody states a price', () => {
    const peers = [peer(2, 16 * GI, { usdPerHour: 0 })]
    const asked = { name: 'thumb', cpus: 1, memoryBytes: GI, placement: { objective: 'cheap' } } as const
    assert.deepEqual(uploadWarnings(asked, peers), ['prices do not count: no peer states one'])
  })

  for (const [what, asked, labels, warning] of placed) {
    it(`${warning === undefined ? 'are not given' : 'are given'} for ${what}`, () => {
      const peers = [
        peer(2, 16 * GI, { labels }),
        small,
        peer(2, 1 * GI, { arch: 'arm64' }),
        peer(8, 16 * GI, { state: 'gone', arch: 'riscv64' })
      ]
      const warnings = uploadWarnings({ name: 'thumb', cpus: 1, memoryBytes: 1 * GI, ...asked }, peers)
      if (warning === undefined) assert.deepEqual(warnings, [])
      else assert.match(warnings.join(), warning)
    })
  }
})
