import { majority } from '../../core/consensus/quorum.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'

/**
 * Whether the others keep tasks where this peer does. Two stores in one cluster would each accept tasks that the orchestrator of the other never
 * sees: so a peer that a majority of the voters contradicts must not take part. Peers of versions that do not say it are not counted, nor is which
 * database of those that have not reached theirs yet.
 */
export class TaskStoreCheck {
  readonly #own: Pick<TaskStore, 'kind' | 'id'>
  readonly #voters = new Map<PeerId, Pick<PeerProfile, 'taskStore' | 'taskStoreId'>>()

  /** `own` is read anew at each word: a database is known by its id only once it was reached. */
  constructor(own: Pick<TaskStore, 'kind' | 'id'>) {
    this.#own = own
  }

  /** A word of another peer, which votes. Returns why this peer must not take part, if that is so. */
  heard({ id, ...word }: Pick<PeerProfile, 'id' | 'taskStore' | 'taskStoreId'>, voters: readonly PeerId[]): CaresError | null {
    for (const peer of this.#voters.keys()) if (!voters.includes(peer)) this.#voters.delete(peer)
    this.#voters.set(id, word)
    const others = [...this.#voters.values()].filter(other => this.#differs(other))
    if (!this.#differs(word) || others.length < majority(voters.length)) return null
    return word.taskStore === this.#own.kind ? otherDatabase() : otherKind(this.#own.kind, word.taskStore ?? 'log')
  }

  #differs({ taskStore, taskStoreId }: Pick<PeerProfile, 'taskStore' | 'taskStoreId'>): boolean {
    const { kind, id } = this.#own
    if (taskStore === undefined) return false
    return taskStore !== kind || (taskStoreId !== undefined && id !== null && taskStoreId !== id)
  }
}

const NAMES = { log: 'the replicated log', postgres: 'a PostgreSQL database' } as const

function otherKind(own: TaskStore['kind'], theirs: TaskStore['kind']): CaresError {
  return new CaresError('invalid', `this peer keeps tasks in ${NAMES[own]}, and its cluster in ${NAMES[theirs]}`, {
    hint: `start it with ${theirs === 'postgres' ? "--task-store postgres and the cluster's --task-store-url" : '--task-store log'}`
  })
}

function otherDatabase(): CaresError {
  return new CaresError('invalid', 'this peer keeps tasks in another PostgreSQL database than its cluster', {
    hint: "start it with the cluster's --task-store-url; to move a cluster to another database, copy the tables of this one there, stop all peers, and start them with it"
  })
}
