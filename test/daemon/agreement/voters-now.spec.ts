import assert from 'node:assert/strict'
import { faultTolerance, leaderlessReason, quorumLoss, votersNow } from '../../../src/daemon/agreement/voters-now.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerState } from '../../../src/model/peer.ts'
import type { PeerListing } from '../../../src/model/service.ts'
import { sampleListing, sampleProfile } from '../../support/samples.ts'

const IDS = ['a', 'b', 'c', 'd', 'e'] as PeerId[]

type Standing = PeerState | 'fenced' | 'unheard'

function viewsOf(id: PeerId, standing: Standing): PeerListing[] {
  if (standing === 'unheard') return []
  const listing = sampleListing({ profile: sampleProfile({ id }), state: standing === 'fenced' ? 'alive' : standing })
  return [standing === 'fenced' ? { ...listing, stats: { ...listing.stats, fenced: true } } : listing]
}

describe('the voters as they are now', () => {
  const rows: [claim: string, states: readonly Standing[], mayDie: number, loss: string | null][] = [
    ['one of three may die', ['alive', 'alive', 'alive'], 1, null],
    ['a draining one counts', ['alive', 'alive', 'draining'], 1, null],
    ['none may die once one is gone', ['alive', 'alive', 'gone'], 0, null],
    ['none may die once one takes no part', ['alive', 'fenced', 'alive'], 0, null],
    ['one more of five', ['alive', 'fenced', 'alive', 'alive', 'alive'], 1, null],
    ['the only one', ['gone'], 0, 'the quorum is lost: 1 of 1 voters is gone (A), 1 is needed'],
    ['two gone', ['alive', 'gone', 'suspect'], 0, 'the quorum is lost: 2 of 3 voters are gone (B, C), 2 are needed'],
    ['two of whom nobody tells', ['alive', 'unheard', 'unheard'], 0, 'the quorum is lost: 2 of 3 voters are gone (B, C), 2 are needed'],
    ['two fenced', ['alive', 'fenced', 'fenced'], 0, 'the quorum is lost: 2 of 3 voters take no part any more (B, C), 2 are needed'],
    [
      'one of each',
      ['alive', 'fenced', 'gone'],
      0,
      'the quorum is lost: 1 of 3 voters is gone (C) and 1 takes no part any more (B), 2 are needed'
    ]
  ]
  for (const [claim, states, mayDie, loss] of rows) {
    it(`${claim}: ${states.join(', ')}`, () => {
      const voters = IDS.slice(0, states.length)
      const views = voters.flatMap((id, index) => viewsOf(id, states[index] ?? 'gone'))
      const now = votersNow(voters, views)
      assert.equal(faultTolerance(now), mayDie)
      assert.equal(
        quorumLoss(now, id => id.toUpperCase()),
        loss
      )
    })
  }
})

describe('why nobody leads', () => {
  const [A, B] = IDS as [PeerId, PeerId, ...PeerId[]]
  for (const [claim, count, standing, self, reason] of [
    ['the only voter has just fallen silent', 1, 'alive', B, 'the only voter, A, is silent'],
    ['the only voter is gone', 1, 'gone', B, 'the quorum is lost: 1 of 1 voters is gone (A), 1 is needed'],
    ['the only voter is this peer', 1, 'alive', A, 'an election is under way'],
    ['others can be elected', 3, 'alive', B, 'an election is under way']
  ] as const) {
    it(claim, () => {
      const voters = IDS.slice(0, count)
      const now = votersNow(
        voters,
        voters.flatMap(id => viewsOf(id, standing))
      )
      assert.equal(
        leaderlessReason(now, self, id => id.toUpperCase()),
        reason
      )
    })
  }
})
