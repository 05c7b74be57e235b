/** One model with some of its switches, and what the checker must say of it. */
export interface ModelRun {
  readonly name: string
  readonly model: 'election.pml' | 'acknowledgement.pml'
  readonly defines: readonly string[]
  readonly expected: 'holds' | 'breaks'
}

/**
 * What is checked. Bounds are chosen so that all of it takes well under a minute: three peers, and the fewest terms in which each unsound
 * variant can show itself (two leaders: two terms; figure 8 of the Raft paper: four).
 */
export const RUNS: readonly ModelRun[] = [
  { name: 'election', model: 'election.pml', defines: ['TERMS=2'], expected: 'holds' },
  { name: 'election without stickiness', model: 'election.pml', defines: ['TERMS=2', 'NO_STICKINESS'], expected: 'holds' },
  // Both only forbid. Without them a peer may do all that it may do with them, and more; and there are fewer states to tell apart.
  {
    name: 'election without pre-vote or stickiness',
    model: 'election.pml',
    defines: ['TERMS=3', 'NO_PRE_VOTE', 'NO_STICKINESS'],
    expected: 'holds'
  },
  { name: 'a vote forgotten on restart', model: 'election.pml', defines: ['TERMS=2', 'FORGET_VOTE'], expected: 'breaks' },
  { name: 'two votes in a term', model: 'election.pml', defines: ['TERMS=2', 'VOTE_TWICE'], expected: 'breaks' },
  { name: 'a majority of a gossiped view elects', model: 'election.pml', defines: ['TERMS=2', 'GOSSIP_QUORUM'], expected: 'breaks' },
  { name: 'acknowledgement', model: 'acknowledgement.pml', defines: ['TERMS=4'], expected: 'holds' },
  { name: 'no look at the log before a vote', model: 'acknowledgement.pml', defines: ['TERMS=3', 'NO_LOG_CHECK'], expected: 'breaks' },
  {
    name: 'entries of older terms committed by counting (figure 8)',
    model: 'acknowledgement.pml',
    defines: ['TERMS=4', 'COMMIT_OLD_TERM'],
    expected: 'breaks'
  },
  { name: 'a forgotten vote loses what is agreed', model: 'acknowledgement.pml', defines: ['TERMS=3', 'FORGET_VOTE'], expected: 'breaks' },
  {
    name: 'a majority of a gossiped view commits',
    model: 'acknowledgement.pml',
    defines: ['TERMS=3', 'GOSSIP_QUORUM'],
    expected: 'breaks'
  },
  {
    name: 'acknowledged before it is on disk',
    model: 'acknowledgement.pml',
    defines: ['TERMS=3', 'ACKNOWLEDGE_BEFORE_DISK'],
    expected: 'breaks'
  },
  {
    name: 'a late append takes back what a newer one brought',
    model: 'acknowledgement.pml',
    defines: ['TERMS=3', 'TRUNCATE_ALWAYS'],
    expected: 'breaks'
  }
]
