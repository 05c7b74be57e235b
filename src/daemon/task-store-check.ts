import { majority } from '../core/consensus/quorum.ts'
import { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { PeerProfile } from '../model/peer.ts'
import type { TaskStore } from '../model/ports/task-store.ts'

/**
 * Whether the others keep tasks where this peer does. Two stores in one cluster would each accept tasks that the orchestrator of the other never
 * sees: so a peer that a majority of the voters contradicts must not take part. Peers of versions that do not say it are not counted.
 */
export class TaskStoreCheck {
  readonly #kind: TaskStore['kind']
  readonly #others = new Map<PeerId, TaskStore['kind']>()

  constructor(kind: TaskStore['kind']) {
    this.#kind = kind
  }

  /** A word of another peer, which votes. Returns why this peer must not take part, if that is so. */
  heard({ id, taskStore }: Pick<PeerProfile, 'id' | 'taskStore'>, voters: readonly PeerId[]): CaresError | null {
    for (const peer of this.#others.keys()) if (!voters.includes(peer)) this.#others.delete(peer)
    if (taskStore === undefined || taskStore === this.#kind) this.#others.delete(id)
    else this.#others.set(id, taskStore)
    if (taskStore === undefined || this.#others.size < majority(voters.length)) return null
    return new CaresError('invalid', `this peer keeps tasks in ${NAMES[this.#kind]}, and its cluster in ${NAMES[taskStore]}`, {
      hint: `start it with ${taskStore === 'postgres' ? "--task-store postgres and the cluster's --task-store-url" : '--task-store log'}`
    })
  }
}

const NAMES = { log: 'the replicated log', postgres: 'a PostgreSQL database' } as const
