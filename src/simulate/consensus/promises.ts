import type { RaftState } from '../../core/consensus/state.ts'
import { entryAt, lastIndex } from '../../core/consensus/log.ts'
import type { ConsensusMessage, Entry } from '../../model/consensus.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import { Violation } from '../violation.ts'
import type { DiskImage } from './disk-image.ts'

/** Whom the leader of a term asked to take over, and the last entry that it had then. */
interface Heir {
  readonly peer: PeerId
  readonly entry: Entry | undefined
}

/**
 * Watches what peers say, and throws a `Violation` when it is more than their disk can bear: whatever is promised must outlive a crash of
 * the next moment. And what is promised stays: a vote for the rest of its term, over any number of restarts.
 */
export class PromiseMonitor {
  readonly #votes = new Map<string, PeerId>()
  readonly #heirs = new Map<Term, Heir>()

  /** A peer starts from its disk, and from nothing else. */
  onBoot({ self, term, votedFor }: RaftState, { hardState }: DiskImage): void {
    if (term === hardState.term && votedFor === hardState.votedFor) return
    throw new Violation(
      `${self} boots with a vote for ${votedFor} in term ${term}, its disk says ${hardState.votedFor} in term ${hardState.term}`
    )
  }

  /** A message leaves a peer whose disk is `image` at that moment. */
  onSend(from: PeerId, to: PeerId, message: ConsensusMessage, image: DiskImage): void {
    const isQuestion = (message.type === 'vote-request' || message.type === 'vote-response') && message.pre
    if (!isQuestion && message.term > image.hardState.term) {
      throw new Violation(`${from} speaks in term ${message.term}, its disk says ${image.hardState.term}`)
    }
    if (message.type === 'vote-request' && !message.pre) this.#onVote(from, from, message.term, image)
    if (message.type === 'vote-response' && !message.pre && message.granted) this.#onVote(from, to, message.term, image)
    const onDisk = image.snapshot.index + image.entries.length
    if (message.type === 'append-response' && message.ok && message.match > onDisk) {
      throw new Violation(`${from} acknowledges entry ${message.match}, its disk ends at ${onDisk}`)
    }
    if (message.type === 'append-request' && message.prevIndex + message.entries.length > onDisk) {
      throw new Violation(`${from} sends entry ${message.prevIndex + message.entries.length}, its disk ends at ${onDisk}`)
    }
  }

  #onVote(voter: PeerId, candidate: PeerId, term: Term, { hardState }: DiskImage): void {
    // A vote of an earlier term can no longer be kept, nor broken.
    if (term === hardState.term && hardState.votedFor !== candidate) {
      throw new Violation(`${voter} votes for ${candidate} in term ${term}, its disk says ${hardState.votedFor}`)
    }
    const key = `${voter} ${term}`
    const earlier = this.#votes.get(key) ?? candidate
    if (earlier !== candidate) throw new Violation(`${voter} votes for ${earlier} and ${candidate} in term ${term}`)
    this.#votes.set(key, candidate)
  }

  /** A leader asks `peer` to take over at once. */
  onHandOver({ term, log }: RaftState, peer: PeerId): void {
    this.#heirs.set(term, { peer, entry: entryAt(log, lastIndex(log)) })
  }

  /** Who takes over because it was asked to, in the very next term, has all that its predecessor had taken: a transfer loses nothing. */
  onElected(peer: PeerId, term: Term, { log, role, term: present }: RaftState): void {
    const heir = this.#heirs.get(term - 1)
    if (heir?.peer !== peer || heir.entry === undefined || role !== 'leader' || present !== term) return
    const { index } = heir.entry
    if (index > log.snapshot.index && entryAt(log, index) !== heir.entry) {
      throw new Violation(`${peer} was handed the lead in term ${term - 1} and lacks entry ${index} of its predecessor`)
    }
  }
}
