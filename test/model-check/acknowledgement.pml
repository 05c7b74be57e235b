/*
 * What is agreed stays agreed: logs, acknowledgements, commits, and changes of leader (README.md maps each action to the code).
 *
 * A leader's log only grows while it leads, so an append of a term is known by its place alone: whatever the leader of that term has
 * written may reach anybody, at any time, again and again, or never. Likewise an acknowledgement is known by who gave it in which term, and
 * how far. So loss, duplication, delay and reordering need no channel here. Elections are those of election.pml, without its timers.
 *
 * Sound: (nothing)     Unsound: COMMIT_OLD_TERM, NO_LOG_CHECK, FORGET_VOTE, GOSSIP_QUORUM, ACKNOWLEDGE_BEFORE_DISK, TRUNCATE_ALWAYS
 */
#define PEERS 3
#ifndef TERMS
#define TERMS 4
#endif
#ifndef ENTRIES
#define ENTRIES 2
#endif

#define NOBODY 7
#define BIT(peer) (1 << (peer))
#define COUNT(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1))
#define AT(peer, index) ((peer) * ENTRIES + (index) - 1)
#define OF(leader, peer) ((leader) * PEERS + (peer))
#define IN(term, index) ((term) * ENTRIES + (index) - 1)

#ifdef GOSSIP_QUORUM
#define MAJORITY(peer) (seen[peer] / 2 + 1)
#else
#define MAJORITY(peer) (PEERS / 2 + 1)
#endif

#define FOLLOWER 0
#define CANDIDATE 1
#define LEADER 2

/* On disk. An entry is its term: a leader writes one entry of its term per index. */
byte term[PEERS], votedFor[PEERS] = NOBODY, length[PEERS], entry[PEERS * ENTRIES];
/* In memory. */
/* `has`, at a leader: how far each peer has acknowledged in its term. */
byte role[PEERS], votes[PEERS], has[PEERS * PEERS];
#ifdef GOSSIP_QUORUM
byte seen[PEERS] = PEERS;
#endif
#ifdef ACKNOWLEDGE_BEFORE_DISK
byte onDisk[PEERS];
#endif
/* Said, for ever: what the leader of a term has in its log, and how far it has committed. */
byte saidLength[TERMS + 1], said[(TERMS + 1) * ENTRIES], saidCommit[TERMS + 1];
/* Seen from outside: what is agreed at each index, and since which term. */
byte agreed[ENTRIES + 1], agreedIn[ENTRIES + 1];

#define LAST_TERM(peer) (length[peer] == 0 -> 0 : entry[AT(peer, length[peer])])
#define TERM_AT(peer, index) ((index) == 0 -> 0 : entry[AT(peer, index)])
#ifdef NO_LOG_CHECK
#define IS_UP_TO_DATE(candidate, voter) true
#else
#define IS_UP_TO_DATE(candidate, voter) \
  (LAST_TERM(candidate) > LAST_TERM(voter) || (LAST_TERM(candidate) == LAST_TERM(voter) && length[candidate] >= length[voter]))
#endif
#ifdef COMMIT_OLD_TERM
#define MAY_COUNT(peer, index) true
#else
#define MAY_COUNT(peer, index) (entry[AT(peer, index)] == term[peer])
#endif
#define HAS(leader, peer, index) ((peer) == (leader) || has[OF(leader, peer)] >= (index) -> 1 : 0)
#define COPIES(leader, index) (HAS(leader, 0, index) + HAS(leader, 1, index) + HAS(leader, 2, index))
#define ANY_TERM (term[0] + term[1] + term[2] > 0)

inline become(peer, newRole) {
  role[peer] = newRole; votes[peer] = 0;
  has[OF(peer, 0)] = 0; has[OF(peer, 1)] = 0; has[OF(peer, 2)] = 0
}

/* What was said in a term that everybody has left can change nothing any more: forgetting it saves states. */
inline enterTerm(peer, to) {
  become(peer, FOLLOWER); term[peer] = to; votedFor[peer] = NOBODY;
  old = 1;
  do
  :: old < term[0] && old < term[1] && old < term[2] && saidLength[old] > 0 ->
       saidLength[old] = 0; saidCommit[old] = 0; said[IN(old, 1)] = 0; said[IN(old, 2)] = 0; old = old + 1
  :: old < term[0] && old < term[1] && old < term[2] && saidLength[old] == 0 -> old = old + 1
  :: else -> break
  od;
  old = 0
}

#ifdef ACKNOWLEDGE_BEFORE_DISK
inline sync(peer) { onDisk[peer] = length[peer] }
#else
inline sync(peer) { skip }
#endif

/* A leader writes an entry of its own; it is on its disk before anybody hears of it. */
inline append(peer) {
  length[peer] = length[peer] + 1;
  entry[AT(peer, length[peer])] = term[peer];
  saidLength[term[peer]] = length[peer];
  said[IN(term[peer], length[peer])] = term[peer];
  sync(peer)
}

inline truncate(peer, to) {
  do
  :: length[peer] > to ->
       entry[AT(peer, length[peer])] = 0;
       length[peer] = length[peer] - 1
  :: else -> break
  od
}

/* What a peer commits must be what all others commit there. */
inline commit(peer, to) {
  old = 1;
  do
  :: old <= to && agreed[old] == 0 -> agreed[old] = entry[AT(peer, old)]; agreedIn[old] = term[peer]; old = old + 1
  :: old <= to && agreed[old] != 0 -> assert(agreed[old] == entry[AT(peer, old)]); old = old + 1
  :: else -> break
  od;
  old = 0
}

active proctype world() {
  byte i, other, at, index, old;
  do
  :: atomic {
       select(i : 0 .. PEERS - 1);
       if
       /* campaign (the first to do so is called peer 0) */
       :: role[i] != LEADER && term[i] < TERMS && (i == 0 || ANY_TERM) ->
            become(i, CANDIDATE); term[i] = term[i] + 1; votedFor[i] = i; votes[i] = BIT(i)
       /* be granted a vote */
       :: role[i] == CANDIDATE ->
            select(other : 0 .. PEERS - 1);
            if
            :: other != i && term[other] <= term[i] ->
                 if
                 :: term[other] < term[i] -> enterTerm(other, term[i])
                 :: else
                 fi;
                 if
                 :: (votedFor[other] == NOBODY || votedFor[other] == i) && IS_UP_TO_DATE(i, other) ->
                      votedFor[other] = i; votes[i] = votes[i] | BIT(other)
                 :: else
                 fi
            :: else
            fi
       /* win: everything that was agreed in earlier terms is in its log; it writes a no-op */
       :: role[i] == CANDIDATE && COUNT(votes[i]) >= MAJORITY(i) && length[i] < ENTRIES ->
            become(i, LEADER);
            index = 1;
            do
            :: index <= ENTRIES && agreed[index] != 0 ->
                 assert(agreedIn[index] >= term[i] || (length[i] >= index && entry[AT(i, index)] == agreed[index]));
                 index = index + 1
            :: else -> break
            od;
            index = 1;
            do
            :: index <= length[i] -> said[IN(term[i], index)] = entry[AT(i, index)]; index = index + 1
            :: else -> break
            od;
            append(i)
       /* write a command */
       :: role[i] == LEADER && length[i] < ENTRIES -> append(i)
       /* count acknowledgements, and commit */
       :: role[i] == LEADER && saidCommit[term[i]] < length[i] ->
            select(index : 1 .. ENTRIES);
            if
            :: index > saidCommit[term[i]] && index <= length[i] && MAY_COUNT(i, index) && COPIES(i, index) >= MAJORITY(i) ->
                 commit(i, index);
                 saidCommit[term[i]] = index
            :: else
            fi
       /* step down, for want of a quorum or because the process ends; what is committed is learned again */
       :: role[i] != FOLLOWER -> become(i, FOLLOWER)
#ifdef FORGET_VOTE
       :: votedFor[i] != NOBODY -> become(i, FOLLOWER); votedFor[i] = NOBODY
#endif
#ifdef ACKNOWLEDGE_BEFORE_DISK
       :: onDisk[i] < length[i] ->
            become(i, FOLLOWER);
            truncate(i, onDisk[i])
       :: onDisk[i] < length[i] -> sync(i)
#endif
#ifdef GOSSIP_QUORUM
       :: seen[i] > 1 -> seen[i] = seen[i] - 1
#endif
       /* get an append of the leader of some term: nothing, or one entry, after `index`, and how far it has committed */
       :: select(at : 1 .. TERMS);
          if
          :: saidLength[at] > 0 && at >= term[i] && !(at == term[i] && role[i] == LEADER) ->
               if
               :: at > term[i] -> enterTerm(i, at)
               :: role[i] == CANDIDATE && at == term[i] -> become(i, FOLLOWER)
               :: else
               fi;
               select(index : 0 .. ENTRIES);
               if
               :: index < saidLength[at] && index <= length[i] && TERM_AT(i, index) == (index == 0 -> 0 : said[IN(at, index)]) ->
                    index = index + 1;
#ifdef TRUNCATE_ALWAYS
                    truncate(i, index - 1);
#else
                    if
                    :: length[i] >= index && entry[AT(i, index)] != said[IN(at, index)] -> truncate(i, index - 1)
                    :: else
                    fi;
#endif
                    if
                    :: length[i] < index ->
                         length[i] = index;
                         entry[AT(i, index)] = said[IN(at, index)];
#ifdef ACKNOWLEDGE_BEFORE_DISK
                         onDisk[i] = (onDisk[i] > index - 1 -> index - 1 : onDisk[i])
#endif
                    :: else
                    fi;
                    other = 0;
                    do
                    :: other < PEERS && !(role[other] == LEADER && term[other] == at) -> other = other + 1
                    :: else -> break
                    od;
                    if
                    :: other < PEERS && has[OF(other, i)] < index -> has[OF(other, i)] = index
                    :: else
                    fi;
                    if
                    :: saidCommit[at] < index -> index = saidCommit[at]
                    :: else
                    fi;
                    commit(i, index)
               :: else
               fi
          :: else
          fi
       fi;
       i = 0; other = 0; at = 0; index = 0
     }
  od
}
