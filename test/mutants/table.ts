import type { Edit, EquivalentMutant, Mutant } from './mutant.ts'

const CONSENSUS = 'src/core/consensus/'

function edit(file: string, find: string, replace: string): Edit {
  return { file: CONSENSUS + file, find, replace }
}

/** Enough for what shows itself in most runs, in some, and in a few. A run takes some 15 ms. */
const SOON = 50
const LATER = 500
const LATE = 3_000

/** Bugs of consensus that others have shipped, or that its papers warn of. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'majority is off by one',
    risk: 'two halves of an even group each elect, and each commit',
    edits: [edit('quorum.ts', 'return Math.floor(votersCount / 2) + 1', 'return Math.ceil(votersCount / 2)')],
    seedsMax: SOON
  },
  {
    name: 'quorum of a gossiped view',
    risk: 'whoever is not heard does not count, so that both sides of a partition elect',
    edits: [
      edit(
        'election.ts',
        'const result = tally(configurationOf(state).voters, state.votes)',
        'const result = tally([...state.votes.keys()], state.votes)'
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'is read without asking whether it still leads',
    risk: 'a leader that was replaced behind a partition shows what is no longer so',
    edits: [edit('state.ts', 'ackedRound) >= round', 'ackedRound) >= 0')],
    seedsMax: LATER
  },
  {
    name: 'is read by the leave of an earlier term',
    risk: 'the answer to a late message of an old term counts as one to a round of the new term, which the voter has never heard of',
    edits: [edit('raft.ts', 'ok: false, match: 0, round: 0 })', 'ok: false, match: 0, round: message.round })')],
    seedsMax: 0
  },
  {
    name: 'is read before an entry of its own is committed',
    risk: 'a new leader does not know yet what its predecessor has acknowledged',
    edits: [
      edit(
        'raft.ts',
        "if (reason !== undefined) return { state, effects: [], outcome: 'refused', reason }\n  const draft = beginStep(state, nowMs)\n  askVoters",
        "if (reason !== undefined && reason !== 'warming') return { state, effects: [], outcome: 'refused', reason }\n  const draft = beginStep(state, nowMs)\n  askVoters"
      )
    ],
    seedsMax: LATER
  },
  {
    name: 'votes without a look at the log',
    risk: 'a leader lacks what is agreed',
    edits: [
      edit('election.ts', 'const granted = isFree && isUpToDate(state.log, request.lastIndex, request.lastTerm)', 'const granted = isFree')
    ],
    seedsMax: SOON
  },
  {
    name: 'compares logs by length only',
    risk: 'a long log of an old leader wins over a shorter one with what is agreed',
    edits: [edit('log.ts', 'return term > own || (term === own && index >= lastIndex(log))', 'return index >= lastIndex(log)')],
    seedsMax: LATER
  },
  {
    name: 'votes twice in a term',
    risk: 'two leaders in a term',
    edits: [edit('election.ts', 'state.votedFor === null || state.votedFor === from', 'true')],
    seedsMax: SOON
  },
  {
    name: 'forgets its vote on restart',
    risk: 'two leaders in a term',
    edits: [edit('raft.ts', 'votedFor: persisted.hardState.votedFor,', 'votedFor: null,')],
    seedsMax: SOON
  },
  {
    name: 'does not write its vote down',
    risk: 'two leaders in a term, after a restart',
    edits: [edit('draft.ts', 'state.term !== before.term || state.votedFor !== before.votedFor', 'state.term !== before.term')],
    seedsMax: SOON
  },
  {
    name: 'keeps its vote in a later term',
    risk: 'nobody can win, once each has voted for itself',
    edits: [edit('roles.ts', '    state.votedFor = null\n', '')],
    seedsMax: LATER
  },
  {
    name: 'sends before it persists',
    risk: 'acknowledges and promises what a crash then takes back',
    edits: [
      edit('draft.ts', "  if (batch !== undefined) effects.push({ type: 'persist', batch })\n", ''),
      edit(
        'draft.ts',
        'for (const effect of draft.sends) effects.push(effect)\n',
        "for (const effect of draft.sends) effects.push(effect)\n  if (batch !== undefined) effects.push({ type: 'persist', batch })\n"
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'applies before it persists',
    risk: 'a lone voter answers for what is not on its disk (etcd issue 14370)',
    edits: [
      edit('draft.ts', "  if (batch !== undefined) effects.push({ type: 'persist', batch })\n", ''),
      edit(
        'draft.ts',
        '  const newest = newestConfiguration(state.log)\n',
        "  if (batch !== undefined) effects.push({ type: 'persist', batch })\n  const newest = newestConfiguration(state.log)\n"
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'truncates always',
    risk: 'a late append takes back what a newer one brought',
    edits: [
      edit(
        'follower.ts',
        'entry => entry.index > state.commitIndex && termAt(state.log, entry.index) !== entry.term',
        'entry => entry.index > state.commitIndex'
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'never truncates',
    risk: 'entries of two leaders stand after each other',
    edits: [edit('follower.ts', 'if (first.index <= lastIndex(state.log)) truncateLog(draft, first.index)', '')],
    seedsMax: SOON
  },
  {
    name: 'takes appends without an anchor',
    risk: 'logs with a gap, or after other entries',
    edits: [
      edit(
        'follower.ts',
        'const isAnchored = request.prevIndex <= state.commitIndex || termAt(state.log, request.prevIndex) === request.prevTerm',
        'const isAnchored = request.prevIndex <= lastIndex(state.log)'
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'commits old terms by counting',
    risk: 'figure 8 of the Raft paper: what is applied is replaced',
    edits: [
      edit(
        'replication.ts',
        'if (reached <= state.commitIndex || termAt(state.log, reached) !== state.term) return',
        'if (reached <= state.commitIndex) return'
      )
    ],
    seedsMax: LATER
  },
  {
    name: 'commits what was sent, not what was acknowledged',
    risk: 'an answer is given before a majority has it',
    edits: [edit('replication.ts', 'progressOf(state, voter)?.match ?? 0)', '(progressOf(state, voter)?.next ?? 1) - 1)')],
    seedsMax: SOON
  },
  {
    name: 'counts learners',
    risk: 'a majority of something else than the voters',
    edits: [
      edit(
        'replication.ts',
        'reachedByMajority(configurationOf(state).voters, voter',
        'reachedByMajority([state.self, ...otherMembers(state)], voter'
      )
    ],
    seedsMax: LATER
  },
  {
    name: 'leader counts itself though it is no voter',
    risk: 'an entry is agreed without a majority',
    edits: [
      edit(
        'replication.ts',
        'reachedByMajority(configurationOf(state).voters, voter',
        'reachedByMajority([...new Set([...configurationOf(state).voters, state.self])], voter'
      )
    ],
    seedsMax: LATER
  },
  {
    name: 'changes members before an own entry is committed',
    risk: 'two leaders each make a change that the other majority does not know (Ongaro, raft-dev, 2015)',
    edits: [edit('raft.ts', "  if (!isActiveLeader(state)) return 'warming'\n", '')],
    seedsMax: LATER
  },
  {
    name: 'changes members twice at once',
    risk: 'majorities of the old and the new need not share a peer',
    edits: [edit('raft.ts', 'const isPending = newestConfiguration(state.log).index > state.commitIndex', 'const isPending = false')],
    seedsMax: LATER
  },
  {
    name: 'a snapshot without its members',
    risk: 'whoever restores it counts other voters',
    edits: [
      edit(
        'state.ts',
        'return { index, term, configuration: configurationAt(state.log, index) }',
        'return { index, term, configuration: state.log.configurations[0].configuration }'
      )
    ],
    seedsMax: LATER
  },
  {
    name: 'takes a part of a snapshot for the next one, whichever it is',
    risk: 'tables that nobody ever had',
    edits: [edit('follower.ts', 'if (offset !== received) return received', 'if (offset === 0 && received > 0) return received')],
    seedsMax: LATER
  },
  {
    name: 'parts of two snapshots are mixed',
    risk: 'tables that nobody ever had',
    edits: [edit('follower.ts', 'state.incoming !== null && isSameOffer(state.incoming.offer, offer)', 'state.incoming !== null')],
    seedsMax: LATER
  },
  {
    name: 'a snapshot counts before its last part',
    risk: 'what is committed is forgotten',
    edits: [edit('follower.ts', 'if (received < request.bytes) {', 'if (received < request.bytes - 1) {')],
    seedsMax: LATER
  },
  {
    name: 'a part of a snapshot is acknowledged before it is on disk',
    risk: 'after a crash the leader goes on behind a gap',
    edits: [
      edit('draft.ts', "  if (draft.staged !== undefined) effects.push({ type: 'stage', chunk: draft.staged })\n", ''),
      edit(
        'draft.ts',
        '  for (const effect of draft.sends) effects.push(effect)\n',
        "  for (const effect of draft.sends) effects.push(effect)\n  if (draft.staged !== undefined) effects.push({ type: 'stage', chunk: draft.staged })\n"
      )
    ],
    seedsMax: LATER
  },
  {
    name: 'members of a truncated entry still count',
    risk: 'a majority of a configuration that was taken back',
    edits: [
      edit(
        'log.ts',
        'return createLog(log.snapshot, entriesBetween(log, 0, index))',
        'return { ...createLog(log.snapshot, entriesBetween(log, 0, index)), configurations: log.configurations }'
      )
    ],
    seedsMax: LATE
  },
  {
    name: 'a leader that lost its quorum goes on',
    risk: 'it accepts what it can never commit',
    edits: [edit('state.ts', 'return heard.length >= majority(voters.length)', 'return true')],
    seedsMax: SOON
  },
  {
    name: 'takes proposals while it hands over',
    risk: 'the heir lacks them, and they are lost without a fault',
    edits: [edit('raft.ts', "  if (state.transfer !== null) return 'transferring'\n", '')],
    seedsMax: LATER
  },
  {
    name: 'hands over to one that has not caught up',
    risk: 'a transfer loses proposals',
    edits: [edit('replication.ts', 'if (progressOf(state, to)?.match === lastIndex(state.log)) send', 'send')],
    seedsMax: LATER
  },
  {
    name: 'stays leader when a later term speaks',
    risk: 'two leaders that both act',
    edits: [
      edit(
        'raft.ts',
        'if (message.term > state.term && !isQuestion) becomeFollower(draft, message.term, null)',
        "if (message.term > state.term && !isQuestion && state.role !== 'leader') becomeFollower(draft, message.term, null)"
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'adopts the term of a pre-vote',
    risk: 'a peer that cannot win deposes the leader, again and again',
    edits: [
      edit(
        'raft.ts',
        "(message.type === 'vote-request' || (message.type === 'vote-response' && message.granted)) && message.pre",
        'message.term < 0'
      )
    ],
    seedsMax: 0
  },
  {
    name: 'no stickiness',
    risk: 'a peer that returns from a partition deposes a leader whom the others hear',
    edits: [edit('election.ts', 'return request.term > draft.state.term && !request.transfer && hearsLeader(draft)', 'return false')],
    seedsMax: 0
  },
  {
    name: 'a leader that removed itself stays',
    risk: 'it leads a cluster that it is no part of',
    edits: [
      edit(
        'replication.ts',
        '  if (!isVoter(state) && newestConfiguration(state.log).index <= state.commitIndex) becomeFollower(draft, state.term, null)\n',
        ''
      )
    ],
    seedsMax: 0
  },
  {
    name: 'a removed voter does not campaign though it must',
    risk: 'nobody can win: only it has the entry that takes its vote away',
    edits: [edit('state.ts', '    if (index <= commitIndex) return false\n', '    return false\n')],
    seedsMax: LATE
  },
  {
    name: 'a learner that lacks entries is told as seldom as one that lacks none',
    risk: 'after a lost message it waits four heartbeats for what the cluster has agreed',
    edits: [
      edit(
        'replication.ts',
        "const isUpToDate = mode === 'streaming' && match === lastIndex(state.log)",
        "const isUpToDate = mode === 'streaming' && match >= 0"
      )
    ],
    seedsMax: 0
  },
  {
    name: 'a learner is as impatient as a voter',
    risk: 'it gives a leader up that still leads, once in every two heartbeats that it is told of',
    edits: [edit('roles.ts', ' : LEARNER_SILENCE_RATIO\n', ' : 0.5\n')],
    seedsMax: 0
  }
]

/** Changes that look like bugs. */
export const EQUIVALENT: readonly EquivalentMutant[] = [
  {
    name: 'a follower takes the commit index beyond what the append reaches',
    edits: [edit('follower.ts', 'Math.min(request.commit, reach)', 'Math.min(request.commit, lastIndex(state.log))')],
    argument:
      'The leader already sends min(its commit index, prevIndex + entries), in sendAppend, so request.commit never exceeds reach. The bound at the follower guards against another implementation.'
  },
  {
    name: 'a response to a real vote is counted whatever its term',
    edits: [
      edit(
        'election.ts',
        'if (response.pre && response.granted && response.term !== state.term + 1) return',
        'if (response.pre && response.granted && response.term <= state.term) return'
      )
    ],
    argument:
      'Granted pre-votes carry the term that was asked about. A pre-candidate asks about its own term + 1 only, and terms never fall on disk, so no granted answer to it can be about a later one than that.'
  }
]
