import { CaresError } from '../../model/errors.ts'
import type { CacheMember } from './cache-classes.ts'
import { type Resctrl, ROOT_GROUP } from './resctrl.ts'

/** Where groups are that only count. */
const FOLDER = 'mon_groups'

/** Of a container's id: enough to tell those of one machine apart. */
const ID_CHARACTERS = 12

/** Ended containers that are remembered: an answer asks for its own at once, so that many would have to end at the same moment. */
const ENDED_MAX = 256

/**
 * Counts how much of the cache containers hold, where ways cannot be given out. Processors have a limited number of counters, and one that is given
 * up counts until what it counted is pushed out: a container that gets none is not counted.
 */
export class CacheMonitor {
  readonly #prefix: string
  readonly #resctrl: Resctrl
  readonly #counted = new Map<string, string>()
  /** What containers held at their end, for who asks a moment later. */
  readonly #ended = new Map<string, number>()

  constructor({ prefix }: { prefix: string }, { resctrl }: { resctrl: Resctrl }) {
    this.#prefix = prefix
    this.#resctrl = resctrl
  }

  /** Removes the counters of an earlier life, or of this one. */
  async clear(): Promise<void> {
    for (const name of await this.#resctrl.monitoringGroups()) {
      if (name.startsWith(this.#prefix)) await this.#resctrl.remove(`${FOLDER}/${name}`)
    }
    this.#counted.clear()
  }

  /** Counts for a container from now on, if there is a counter left. */
  async admit(member: CacheMember): Promise<void> {
    const group = `${FOLDER}/${this.#prefix}${member.id.slice(0, ID_CHARACTERS)}`
    try {
      await this.#resctrl.create(group)
    } catch (error) {
      if (error instanceof CaresError && error.code === 'limit_reached') return
      throw error
    }
    this.#counted.set(member.id, group)
    await this.#resctrl.assign(group, member.threads())
  }

  /** What a container holds now; undefined where it is not counted. */
  async usedBytes(id: string): Promise<number | undefined> {
    const group = this.#counted.get(id)
    return group === undefined ? this.#ended.get(id) : await this.#resctrl.usedBytes(group)
  }

  /** Gives its counter up. */
  async release(id: string): Promise<void> {
    const group = this.#counted.get(id)
    this.#counted.delete(id)
    if (group === undefined) return
    const bytes = await this.#resctrl.usedBytes(group)
    if (bytes !== undefined) this.#ended.set(id, bytes)
    for (const oldest of this.#ended.keys()) if (this.#ended.size > ENDED_MAX) this.#ended.delete(oldest)
    await this.#resctrl.remove(group)
  }
}

/** What everybody holds: the root group, and those of anybody. Undefined where nothing is counted. */
export async function usedByAll(resctrl: Resctrl): Promise<number | undefined> {
  const groups = [ROOT_GROUP, ...(await resctrl.groups())]
  const used = await Promise.all(groups.map(async group => resctrl.usedBytes(group)))
  const known = used.filter(bytes => bytes !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, bytes) => sum + bytes, 0)
}
