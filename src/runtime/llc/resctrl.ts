import { countWays, formatL3Schemata, parseMask, parseSchemata, type WayMask } from '../../core/llc/way-mask.ts'
import { CaresError } from '../../model/errors.ts'
import type { ResctrlFiles } from './resctrl-files.ts'

/** What resctrl can do on this machine. */
export interface ResctrlInfo {
  /** Of the level 3 cache; absent: its ways cannot be given out. */
  readonly allocation?: {
    /** All ways. */
    readonly mask: WayMask
    readonly ways: number
    /** A class has no fewer. */
    readonly waysMin: number
    /** Groups that can be, the root group included: the least of all resources that are controlled. */
    readonly groupsMax: number
    /** Ids of the caches; there may be gaps between them. */
    readonly domains: readonly number[]
  }
  /** Whether it counts how much of the cache each group holds. */
  readonly monitors: boolean
}

/** The group of everybody who is in no other. */
export const ROOT_GROUP = ''

/** Folders of the root that are no groups. */
const NO_GROUPS = new Set(['info', 'mon_groups', 'mon_data'])

/** Sums that are not known: the counter has just been given to another group. */
const NO_NUMBER = /unavailable|unassigned/i

/**
 * The kernel's control of caches (resctrl.rst): groups of threads, each with a mask of ways. A thread is in one group, and what it starts is in
 * the same. Moving a thread does not move its data: that goes as it is pushed out.
 */
export class Resctrl {
  readonly #files: ResctrlFiles

  constructor(files: ResctrlFiles) {
    this.#files = files
  }

  /** What it can do. Rejects where it is not mounted. */
  async info(): Promise<ResctrlInfo> {
    const resources = await this.#files.folders('info')
    const monitors = resources.includes('L3_MON') && (await this.#text('info/L3_MON/mon_features'))?.includes('llc_occupancy') === true
    const [mask, waysMin] = [parseMask((await this.#text('info/L3/cbm_mask')) ?? ''), Number(await this.#text('info/L3/min_cbm_bits'))]
    const limits = await Promise.all(resources.map(async name => this.#text(`info/${name}/num_closids`)))
    const domains = [
      ...(parseSchemata(await this.#files.read('schemata'))
        .get('L3')
        ?.keys() ?? [])
    ]
    const groupsMax = Math.min(...limits.filter(limit => limit !== undefined).map(Number))
    if (mask === undefined || domains.length === 0 || !Number.isInteger(groupsMax)) return { monitors }
    return { monitors, allocation: { mask, ways: countWays(mask), waysMin: Math.max(1, waysMin || 1), groupsMax, domains } }
  }

  /** Names of the groups that there are, whoever made them; not the root. */
  async groups(): Promise<readonly string[]> {
    return (await this.#files.folders('')).filter(name => !NO_GROUPS.has(name))
  }

  /** Names of the groups below the root that only count. */
  async monitoringGroups(): Promise<readonly string[]> {
    return await this.#files.folders('mon_groups')
  }

  /** Makes a group with all ways and no threads. Throws `limit_reached` when there are no more to be had. */
  async create(group: string): Promise<void> {
    await this.#command(`make the group ${group}`, this.#files.mkdir(group))
  }

  /** Removes a group; one that is gone already is no error. */
  async remove(group: string): Promise<void> {
    await this.#command(`remove the group ${group}`, this.#files.rmdir(group), ['ENOENT'])
  }

  /** Gives a group these ways of every cache. */
  async setWays(group: string, mask: WayMask, domains: readonly number[]): Promise<void> {
    await this.#command(`give ways to the group ${group}`, this.#files.write(`${group}/schemata`, formatL3Schemata(domains, mask)))
  }

  /** The ways that a group has, by cache. */
  async ways(group: string): Promise<ReadonlyMap<number, WayMask>> {
    const l3 = parseSchemata(await this.#files.read(`${group}/schemata`)).get('L3') ?? new Map<number, string>()
    return new Map([...l3].map(([id, mask]) => [id, parseMask(mask) ?? 0]))
  }

  /** Moves threads into a group, one write each: one that has ended in the meantime must not keep the others out. */
  async assign(group: string, threads: readonly number[]): Promise<void> {
    for (const thread of threads) {
      await this.#command(`move thread ${thread} to the group ${group}`, this.#files.write(below(group, 'tasks'), `${thread}\n`), ['ESRCH'])
    }
  }

  /** The threads in a group. */
  async threads(group: string): Promise<readonly number[]> {
    const text = await this.#files.read(below(group, 'tasks'))
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(Number)
  }

  /** What a group holds of all caches now, in bytes; undefined where that is not known. */
  async usedBytes(group: string): Promise<number | undefined> {
    const caches = (await this.#files.folders(below(group, 'mon_data'))).filter(name => name.startsWith('mon_L3_'))
    const texts = await Promise.all(caches.map(async name => this.#text(`${below(group, 'mon_data')}/${name}/llc_occupancy`)))
    const known = texts.filter(text => text !== undefined && !NO_NUMBER.test(text)).map(Number)
    return known.length === 0 ? undefined : known.reduce((sum, bytes) => sum + bytes, 0)
  }

  async #text(path: string): Promise<string | undefined> {
    try {
      return (await this.#files.read(path)).trim()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  async #command(what: string, done: Promise<void>, fine: readonly string[] = []): Promise<void> {
    try {
      await done
    } catch (cause) {
      const code = codeOf(cause)
      if (code !== undefined && fine.includes(code)) return
      const status = await this.#text('info/last_cmd_status').catch(() => undefined)
      const why = status === undefined || status === '' || status === 'ok' ? String(code) : `${status} (${code})`
      // EBUSY: counters of groups that are gone are still in use by what is left of their data.
      const isFull = code === 'ENOSPC' || code === 'EBUSY'
      throw new CaresError(isFull ? 'limit_reached' : 'internal', `resctrl did not ${what}: ${why}`, { cause })
    }
  }
}

function below(group: string, name: string): string {
  return group === ROOT_GROUP ? name : `${group}/${name}`
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
