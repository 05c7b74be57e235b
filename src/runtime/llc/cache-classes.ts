import { allocate, type Allocation, type CacheShape, isWorthChanging, NOT_DIVIDED, type Resident } from '../../core/llc/allocate.ts'
import { maskOf } from '../../core/llc/way-mask.ts'
import { CaresError } from '../../model/errors.ts'
import type { CacheNeed } from '../../model/llc.ts'
import type { Logger } from '../../model/ports/logger.ts'
import { type Resctrl, type ResctrlInfo, ROOT_GROUP } from './resctrl.ts'

/** A started container whose threads are looked after. */
export interface CacheMember {
  readonly id: string
  /** See `functionKey`. */
  readonly function: string
  /** Ids of its threads now; none once it has ended. */
  threads(): readonly number[]
}

/** Threads start threads while they are moved; these are found in the next round. More rounds than this is a program that does nothing else. */
const ROUNDS_MAX = 5

/** The class in which a function is measured with a number of ways. */
const BENCH = 'bench'

/** The cache that is divided into classes, and how. */
export interface CacheClassesInit {
  /** Of the names of own groups: two peers on one machine must not take each other's for their own. */
  readonly prefix: string
  readonly allocation: NonNullable<ResctrlInfo['allocation']>
  /** Of one way. */
  readonly wayBytes: number
}

/**
 * Divides the cache among the containers of a peer: a few groups of resctrl, with the containers' threads in them. Groups of others are left
 * alone, and so is everything that runs in the root group; functions that nobody has measured stay there until somebody is to be protected.
 *
 * Its methods must not overlap: whoever calls them waits for the one before.
 */
export class CacheClasses {
  readonly #init: CacheClassesInit
  readonly #resctrl: Resctrl
  readonly #needOf: (fn: string) => CacheNeed | undefined
  readonly #log: Logger
  readonly #members = new Map<string, CacheMember>()
  /** By member, the group that its threads are in. */
  readonly #groups = new Map<string, string>()
  /** Own groups that there are. */
  readonly #made = new Set<string>()
  #allocation: Allocation = NOT_DIVIDED
  /** The member that is measured now. */
  #confined: string | undefined

  constructor(init: CacheClassesInit, components: { resctrl: Resctrl; needOf: (fn: string) => CacheNeed | undefined; log: Logger }) {
    this.#init = init
    this.#resctrl = components.resctrl
    this.#needOf = components.needOf
    this.#log = components.log
  }

  /** Classes that divide the cache now. */
  get count(): number {
    return this.#allocation.classes.length
  }

  /** Own groups, for what they hold. */
  get groups(): readonly string[] {
    return [...this.#made]
  }

  /** Removes the groups of an earlier life, or of this one: what runs in them goes back to where everything is. */
  async clear(): Promise<void> {
    for (const group of await this.#resctrl.groups()) if (group.startsWith(this.#init.prefix)) await this.#resctrl.remove(group)
    this.#made.clear()
    this.#groups.clear()
    this.#allocation = NOT_DIVIDED
  }

  /** Puts a container that was just started where its function belongs. */
  async admit(member: CacheMember): Promise<void> {
    this.#members.set(member.id, member)
    await this.#move(member, this.#groupOf(member))
  }

  /** Forgets one that has ended: its threads are gone from their group by themselves. */
  release(id: string): void {
    this.#members.delete(id)
    this.#groups.delete(id)
    if (this.#confined === id) this.#confined = undefined
  }

  /** Divides the cache anew where that is worth it, and finds threads that went astray. */
  async reconcile(): Promise<void> {
    const residents = this.#residents()
    const shape = await this.#shape()
    const next = allocate(residents, shape)
    if (isWorthChanging(residents, this.#allocation, next, shape)) await this.#apply(next)
    for (const member of this.#members.values()) await this.#move(member, this.#groupOf(member))
    if (this.#made.has(this.#name(BENCH)) && this.#confined === undefined) await this.#unmake(this.#name(BENCH))
  }

  /**
   * Confines one container to the first so many ways until it is released. Throws `invalid` for ways that the cache has not, `busy` while another
   * is confined, `limit_reached` when there is no class left for it.
   */
  async confine(id: string, ways: number): Promise<{ bytes: number }> {
    const { allocation, wayBytes } = this.#init
    if (!Number.isInteger(ways) || ways < allocation.waysMin || ways > allocation.ways) {
      throw new CaresError(
        'invalid',
        `the cache of this peer has ${allocation.ways} ways, of which at least ${allocation.waysMin} go to a class`,
        {
          hint: `ask for ${allocation.waysMin} to ${allocation.ways}`
        }
      )
    }
    const member = this.#members.get(id)
    if (member === undefined) throw new CaresError('busy', 'the container ended before it could be confined', { retryable: true })
    const group = this.#name(BENCH)
    if (this.#confined !== undefined) throw new CaresError('busy', 'another function is being measured on this peer', { retryable: true })
    await this.#make(group)
    await this.#resctrl.setWays(group, maskOf(0, ways), allocation.domains)
    this.#confined = id
    try {
      await this.#move(member, group)
    } catch (error) {
      this.#confined = undefined
      throw error
    }
    return { bytes: Math.round(ways * wayBytes) }
  }

  /** Ends that. */
  async unconfine(id: string): Promise<void> {
    if (this.#confined === id) this.#confined = undefined
    const member = this.#members.get(id)
    if (member !== undefined) await this.#move(member, this.#groupOf(member))
  }

  #residents(): readonly Resident[] {
    const counts = new Map<string, number>()
    for (const { function: fn } of this.#members.values()) counts.set(fn, (counts.get(fn) ?? 0) + 1)
    return [...counts].map(([key, count]) => ({ key, count, need: this.#needOf(key) }))
  }

  /** One class is kept for measuring, unless it is the only one. */
  async #shape(): Promise<CacheShape> {
    const { allocation, wayBytes, prefix } = this.#init
    const foreign = (await this.#resctrl.groups()).filter(name => !name.startsWith(prefix)).length
    const free = allocation.groupsMax - 1 - foreign
    return { ways: allocation.ways, waysMin: allocation.waysMin, wayBytes, classesMax: free > 1 ? free - 1 : free }
  }

  async #apply(next: Allocation): Promise<void> {
    const { allocation } = this.#init
    // Should it fail half-way, everybody goes back to where everything is, and the next round begins from there.
    this.#allocation = NOT_DIVIDED
    const wanted = new Set(next.classes.map(({ name }) => this.#name(name)))
    const old = [...this.#made].filter(group => group !== this.#name(BENCH) && !wanted.has(group))
    for (const group of old) await this.#unmake(group)
    for (const { name, firstWay, ways } of next.classes) {
      await this.#make(this.#name(name))
      await this.#resctrl.setWays(this.#name(name), maskOf(firstWay, ways), allocation.domains)
    }
    this.#allocation = next
    this.#log.info({ classes: Object.fromEntries(next.classes.map(({ name, ways }) => [name, ways])) }, 'cache divided')
  }

  async #make(group: string): Promise<void> {
    if (this.#made.has(group)) return
    await this.#resctrl.create(group)
    this.#made.add(group)
  }

  async #unmake(group: string): Promise<void> {
    await this.#resctrl.remove(group)
    this.#made.delete(group)
    for (const [id, each] of this.#groups) if (each === group) this.#groups.set(id, ROOT_GROUP)
  }

  #groupOf({ id, function: fn }: CacheMember): string {
    if (this.#confined === id) return this.#name(BENCH)
    const name = this.#allocation.classOf.get(fn)
    return name === undefined ? ROOT_GROUP : this.#name(name)
  }

  /** Until no thread is elsewhere. Threads that a moved one starts are in its group; what a container starts out with is in the root group. */
  async #move(member: CacheMember, group: string): Promise<void> {
    const from = this.#groups.get(member.id) ?? ROOT_GROUP
    if (from === ROOT_GROUP && group === ROOT_GROUP) return
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const there = new Set(await this.#resctrl.threads(group))
      const missing = member.threads().filter(thread => !there.has(thread))
      if (missing.length === 0) break
      await this.#resctrl.assign(group, missing)
    }
    // It may have ended meanwhile.
    if (this.#members.has(member.id)) this.#groups.set(member.id, group)
  }

  #name(name: string): string {
    return `${this.#init.prefix}${name}`
  }
}
