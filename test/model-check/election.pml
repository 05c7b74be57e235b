/*
 * Who leads: pre-vote, stickiness, votes, transfer, restarts (README.md maps each action to the code).
 *
 * The network is a set of everything that was ever said. A peer may take any of it, at any time, any number of times, or never: that is
 * loss, duplication, delay and reordering in one. Time is chance: whatever a timer could do may happen whenever it is legal. So what is
 * proved here needs no clock.
 *
 * Sound:   (nothing), NO_PRE_VOTE, NO_STICKINESS     Unsound: FORGET_VOTE, VOTE_TWICE, GOSSIP_QUORUM
 */
#ifndef PEERS
#define PEERS 3
#endif
#ifndef TERMS
#define TERMS 3
#endif

#define NOBODY 7
#define BIT(peer) (1 << (peer))
/* Votes are sets of peers; all of them are voters. */
#define COUNT(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1) + (((set) >> 3) & 1))
#define IN(term, peer) ((term) * PEERS + (peer))

#ifdef GOSSIP_QUORUM
#define IS_MAJORITY(set, peer) (COUNT(set) >= seen[peer] / 2 + 1)
#else
#define IS_MAJORITY(set, peer) (COUNT(set) >= PEERS / 2 + 1)
#endif

/* Whether a peer would rather keep the leader it hears than look at a candidate. */
#ifdef NO_STICKINESS
#define CLINGS(peer) false
#define HEAR(peer) skip
#else
#define HEAR(peer) hears[peer] = true
#define CLINGS(peer) (hears[peer] || role[peer] == LEADER)
#endif

#define ANY_TERM (term[0] + term[1] + term[2] > 0)

#define FOLLOWER 0
#define PRE_CANDIDATE 1
#define CANDIDATE 2
#define LEADER 3

/* On disk. */
byte term[PEERS], votedFor[PEERS] = NOBODY;
/* In memory. */
byte role[PEERS];
bool hears[PEERS];
#ifndef NO_PRE_VOTE
byte preVotes[PEERS];
#endif
#ifdef GOSSIP_QUORUM
byte seen[PEERS] = PEERS;
#endif
/* Said, for ever: by term and candidate, the requests and the set of those that granted them. */
bool asked[(TERMS + 1) * PEERS], askedByTransfer[(TERMS + 1) * PEERS];
byte granted[(TERMS + 1) * PEERS];
/* Seen from outside: who led in a term (peer + 1), and whom each peer voted for in it. */
byte leaderOf[TERMS + 1];
byte voteOf[(TERMS + 1) * PEERS] = NOBODY;

inline become(peer, newRole) {
  role[peer] = newRole; hears[peer] = false;
#ifndef NO_PRE_VOTE
  preVotes[peer] = 0
#endif
}

inline enterTerm(peer, to) {
  become(peer, FOLLOWER); term[peer] = to; votedFor[peer] = NOBODY
}

inline promise(peer, candidate) {
  votedFor[peer] = candidate;
  assert(voteOf[IN(term[peer], peer)] == NOBODY || voteOf[IN(term[peer], peer)] == candidate);
  voteOf[IN(term[peer], peer)] = candidate;
  granted[IN(term[peer], candidate)] = granted[IN(term[peer], candidate)] | BIT(peer)
}

inline becomeCandidate(peer) {
  become(peer, CANDIDATE); term[peer] = term[peer] + 1;
  promise(peer, peer);
  asked[IN(term[peer], peer)] = true
}

active proctype world() {
  byte i, other, at;
  do
  :: atomic {
       select(i : 0 .. PEERS - 1);
       if
       /* campaign (the first to do so is called peer 0) */
       :: role[i] != LEADER && term[i] < TERMS && (i == 0 || ANY_TERM) ->
#ifdef NO_PRE_VOTE
            becomeCandidate(i)
#else
            become(i, PRE_CANDIDATE); preVotes[i] = BIT(i)
       /* be granted a pre-vote: it changes nothing at who grants it */
       :: role[i] == PRE_CANDIDATE ->
            select(other : 0 .. PEERS - 1);
            if
            :: term[other] <= term[i] && !CLINGS(other) -> preVotes[i] = preVotes[i] | BIT(other)
            :: else
            fi
       /* win the pre-vote */
       :: role[i] == PRE_CANDIDATE && IS_MAJORITY(preVotes[i], i) -> becomeCandidate(i)
#endif
       /* campaign because the leader asks for it */
       :: role[i] != LEADER && term[i] < TERMS && leaderOf[term[i]] != 0 ->
            becomeCandidate(i);
            askedByTransfer[IN(term[i], i)] = true
       /* win */
       :: role[i] == CANDIDATE && IS_MAJORITY(granted[IN(term[i], i)], i) ->
            become(i, LEADER);
            assert(leaderOf[term[i]] == 0 || leaderOf[term[i]] == i + 1);
            leaderOf[term[i]] = i + 1
       /* step down for want of a quorum; lose an election */
       :: role[i] != FOLLOWER -> become(i, FOLLOWER)
#ifndef NO_STICKINESS
       /* hear nobody any more: silence, or a hint */
       :: hears[i] -> hears[i] = false
#endif
#ifdef FORGET_VOTE
       /* die and come back; with its disk, that is to be a follower again, as above */
       :: votedFor[i] != NOBODY -> become(i, FOLLOWER); votedFor[i] = NOBODY
#endif
#ifdef GOSSIP_QUORUM
       :: seen[i] > 1 -> seen[i] = seen[i] - 1
#endif
       /* hear from anybody in a later term */
       :: select(other : 0 .. PEERS - 1);
          if
          :: term[other] > term[i] -> enterTerm(i, term[other])
          :: else
          fi
       /* hear the leader of a term */
       :: select(at : 1 .. TERMS);
          if
          :: leaderOf[at] != 0 && leaderOf[at] != i + 1 && at >= term[i] ->
               if
               :: at > term[i] -> enterTerm(i, at)
               :: else -> become(i, FOLLOWER)
               fi;
               HEAR(i)
          :: else
          fi
       /* be asked for a vote */
       :: select(other : 0 .. PEERS - 1);
          select(at : 1 .. TERMS);
          if
          :: other != i && asked[IN(at, other)] && (at == term[i] || (at > term[i] && (askedByTransfer[IN(at, other)] || !CLINGS(i)))) ->
               if
               :: at > term[i] -> enterTerm(i, at)
               :: else
               fi;
               if
#ifdef VOTE_TWICE
               :: role[i] == FOLLOWER -> promise(i, other)
#else
               :: votedFor[i] == NOBODY || votedFor[i] == other -> promise(i, other)
#endif
               :: else
               fi
          :: else
          fi
       fi;
       i = 0; other = 0; at = 0
     }
  od
}
