import { createStateHash } from '../../core/registry/state-hash.ts'
import { majority } from '../../core/consensus/quorum.ts'
import type { Configuration } from '../../model/consensus.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { AgreedState, Heartbeat } from '../../model/peer.ts'
import type { RegistryTables } from '../../model/ports/store.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import { TaskStoreCheck } from './task-store-check.ts'

/** Own states that are remembered, one for each beat: heartbeats of others are a few beats old when they come. */
const REMEMBERED_MAX = 16

export interface StateCheckComponents {
  readonly self: PeerId
  /** Of the CARES that runs here. */
  readonly version: string
  /** @default the log */
  readonly taskStore?: Pick<TaskStore, 'kind' | 'id'> | undefined
  readonly configuration: () => Configuration
  readonly tables: () => RegistryTables
  /** Up to where the tables hold the log. */
  readonly appliedIndex: () => number
  /** This peer's state is not what the others have agreed on. */
  readonly onDifference: (reason: CaresError) => void
}

interface Word extends AgreedState {
  readonly version: string
}

/**
 * Compares what this peer's tables hold with what those of the others hold, at the same index of the log. Peers apply the same commands, so
 * the same must come out: where it did not (a defect, a bit that flipped in memory), the one that a majority of the voters contradicts stops
 * taking part, before it spreads or answers what nobody agreed on. Only words of peers of the same version count, as another version may know
 * more fields.
 */
export class StateCheck {
  readonly #components: StateCheckComponents
  readonly #hash = createStateHash()
  readonly #taskStores: TaskStoreCheck
  readonly #own = new Map<number, string>()
  readonly #words = new Map<PeerId, Word>()
  /** How far each other member has applied the log, by its latest heartbeat. */
  readonly #indices = new Map<PeerId, number>()

  constructor(components: StateCheckComponents) {
    this.#components = components
    this.#taskStores = new TaskStoreCheck(components.taskStore ?? { kind: 'log', id: null })
  }

  /** What this peer's tables hold now, to be told to the others. */
  now(): AgreedState {
    const { tables, appliedIndex } = this.#components
    const index = appliedIndex()
    const hash = this.#hash(tables())
    this.#own.delete(index)
    this.#own.set(index, hash)
    for (const oldest of this.#own.keys()) {
      if (this.#own.size <= REMEMBERED_MAX) break
      this.#own.delete(oldest)
    }
    this.#judge(index)
    return { index, hash }
  }

  /** A word of another peer, which the caller has checked to be of this cluster. */
  heard(from: PeerId, { profile, agreed }: Pick<Heartbeat, 'profile' | 'agreed'>): void {
    const { voters, learners } = this.#components.configuration()
    if (agreed === undefined || !(voters.includes(from) || learners.includes(from))) return
    this.#indices.set(from, agreed.index)
    for (const peer of this.#indices.keys()) if (!voters.includes(peer) && !learners.includes(peer)) this.#indices.delete(peer)
    if (!voters.includes(from)) return
    const elsewhere = this.#taskStores.heard(profile, voters)
    if (elsewhere !== null) this.#components.onDifference(elsewhere)
    this.#words.set(from, { ...agreed, version: profile.version })
    this.#judge(agreed.index)
  }

  /** How many entries, of those agreed up to `index`, each other member had not applied when it was last heard. */
  lag(index: number): Readonly<Record<PeerId, number>> {
    return Object.fromEntries([...this.#indices].map(([peer, applied]) => [peer, Math.max(0, index - applied)]))
  }

  #judge(index: number): void {
    const { self, version, configuration, onDifference } = this.#components
    const own = this.#own.get(index)
    const { voters } = configuration()
    for (const peer of this.#words.keys()) if (!voters.includes(peer)) this.#words.delete(peer)
    if (own === undefined) return
    const others = voters
      .filter(voter => voter !== self)
      .flatMap(voter => this.#words.get(voter) ?? [])
      .filter(word => word.index === index && word.version === version && word.hash !== own)
    for (const { hash } of others) {
      if (others.filter(word => word.hash === hash).length < majority(voters.length)) continue
      onDifference(
        new CaresError(
          'internal',
          `what this peer holds as agreed differs from what a majority of the voters holds, at log index ${index}`,
          {
            hint: 'move its whole data directory away and start it again: it joins anew and copies the state; report this as a defect of CARES',
            details: { index, own, others: hash }
          }
        )
      )
      return
    }
  }
}
