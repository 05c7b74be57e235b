import type { CacheNeed } from '../../model/llc.ts'
import { relativeTime } from './cache-curve.ts'

/** A function with containers on this machine. */
export interface Resident {
  /** See `functionKey`. */
  readonly key: string
  /** Containers of it. */
  readonly count: number
  /** Absent: nothing is known. */
  readonly need?: CacheNeed | undefined
}

/** The cache that is divided. */
export interface CacheShape {
  /** Ways of each cache. */
  readonly ways: number
  /** Fewest ways that the processor lets a class have. */
  readonly waysMin: number
  readonly wayBytes: number
  /** Classes that can be made. */
  readonly classesMax: number
}

/**
 * Who shares which ways: those that gain nothing by the cache, so that they cannot push others' data out (`small`); those that gain much by some
 * (`medium`) and by a lot of it (`large`), each with ways that no other class of CARES has; and everybody else, kept off those (`rest`).
 */
const CACHE_CLASSES = ['small', 'medium', 'large', 'rest'] as const

/** See {@link CACHE_CLASSES}. */
export type CacheClassName = (typeof CACHE_CLASSES)[number]

/** A class of functions, and the ways of the cache that it has. */
export interface CacheClass {
  readonly name: CacheClassName
  readonly firstWay: number
  readonly ways: number
}

/** Who may use what. Functions without a class use all of the cache. */
export interface Allocation {
  readonly classes: readonly CacheClass[]
  readonly classOf: ReadonlyMap<string, CacheClassName>
}

/** The allocation that confines nobody. */
export const NOT_DIVIDED: Allocation = { classes: [], classOf: new Map() }

/** A function whose runs take at most this share longer with next to no cache does not need it. */
const INSENSITIVE_SLOWDOWN_MAX = 0.05

/** A function that needs more than this share of the cache is `large`; the other sensitive ones are `medium`. */
const LARGE_SHARE = 0.25

/** Share of the ways that functions of unknown need, and those that gain nothing, keep at least. */
const OTHERS_SHARE_MIN = 0.25

/** Ways of the class `small`. With a single way, a cache maps many addresses to one place, which would slow down even functions that gain nothing. */
const SMALL_WAYS = 2

/** A new division must save this share of the time: changing it moves data. */
const GAIN_MIN = 0.03

/**
 * Divides a cache among the containers of a machine. Only what was measured by ways confines anybody (`CacheNeed.basis`), and there are a few
 * classes, not one for each function: processors have 4 to 16, and strict shares for everyone help less than keeping apart who harms from who is
 * harmed (KPart, HPCA 2018; DCAPS, EuroSys 2018).
 *
 * Ways go to the class that gains the most by each, `max over k of Σ containers · (t(w) − t(w+k)) / k` (the look-ahead of UCP, MICRO 2006), until
 * none needs more; t by `relativeTime`, members sharing their ways in proportion to their needs. Protected classes lie from the first way on, all others
 * above: the last ways are those that devices write through.
 */
export function allocate(residents: readonly Resident[], shape: CacheShape): Allocation {
  const measured = residents.filter(({ need }) => need?.basis === 'ways')
  const isSmall = ({ need }: Resident): boolean => (need?.slowdown ?? 0) <= INSENSITIVE_SLOWDOWN_MAX
  const isLarge = ({ need }: Resident): boolean => (need?.bytes ?? 0) > LARGE_SHARE * shape.ways * shape.wayBytes
  const small = measured.filter(isSmall)
  const sensitive = measured.filter(resident => !isSmall(resident))
  const unknown = residents.filter(({ need }) => need?.basis !== 'ways')
  const confinesSmall = small.length > 0 && small.length < residents.length

  const groups = protectedGroups(
    sensitive.filter(each => !isLarge(each)),
    sensitive.filter(isLarge)
  )
  // Alone, a class would only take ways from itself.
  const isAlone = groups.length === 1 && small.length === 0 && unknown.length === 0
  const others = unknown.length > 0 ? 1 : 0
  const taken = (confinesSmall ? 1 : 0) + others
  const merged = taken + groups.length <= shape.classesMax ? groups : protectedGroups([], sensitive)
  const kept = isAlone || taken + merged.length > shape.classesMax ? [] : merged
  if (!confinesSmall && kept.length === 0) return NOT_DIVIDED
  if (shape.classesMax < 1) return NOT_DIVIDED

  const othersMin = small.length + unknown.length === 0 ? 0 : Math.max(shape.waysMin, Math.ceil(shape.ways * OTHERS_SHARE_MIN))
  const shares = divide(kept, shape, shape.ways - othersMin)
  const classes: CacheClass[] = []
  const classOf = new Map<string, CacheClassName>()
  let firstWay = 0
  for (const [i, { name, members }] of kept.entries()) {
    const ways = shares[i] ?? 0
    if (ways === 0) continue
    classes.push({ name, firstWay, ways })
    firstWay += ways
    for (const { key } of members) classOf.set(key, name)
  }
  if (firstWay > 0 && unknown.length > 0) {
    classes.push({ name: 'rest', firstWay, ways: shape.ways - firstWay })
    for (const { key } of unknown) classOf.set(key, 'rest')
  }
  if (confinesSmall) {
    const ways = Math.min(shape.ways - firstWay, Math.max(shape.waysMin, SMALL_WAYS))
    classes.push({ name: 'small', firstWay: shape.ways - ways, ways })
    for (const { key } of small) classOf.set(key, 'small')
  }
  return { classes, classOf }
}

/** How long all residents together are expected to take, 1 for each container that has what it needs. */
export function expectedTime(residents: readonly Resident[], { classes, classOf }: Allocation, { ways, wayBytes }: CacheShape): number {
  const needs = new Map<CacheClassName | undefined, number>()
  const sum = (name: CacheClassName | undefined, { need, count }: Resident): void =>
    void needs.set(name, (needs.get(name) ?? 0) + count * (need?.bytes ?? 0))
  for (const resident of residents) sum(classOf.get(resident.key), resident)
  let time = 0
  for (const { key, need, count } of residents) {
    const name = classOf.get(key)
    const bytes = (classes.find(each => each.name === name)?.ways ?? ways) * wayBytes
    time += count * (need === undefined ? 1 : relativeTime(need.slowdown, shareOf(need, bytes, needs.get(name) ?? 0)))
  }
  return time
}

/** Whether to divide the cache anew: when somebody has no place yet, or lost the reason for it, or all gain enough. */
export function isWorthChanging(residents: readonly Resident[], now: Allocation, next: Allocation, shape: CacheShape): boolean {
  const keys = new Set(residents.map(({ key }) => key))
  const isGone = [...now.classOf.keys()].some(key => !keys.has(key))
  if (isGone && next.classes.length === 0) return true
  if (residents.some(({ key }) => now.classOf.get(key) !== next.classOf.get(key))) return true
  const before = expectedTime(residents, now, shape)
  return before - expectedTime(residents, next, shape) > GAIN_MIN * before
}

interface Group {
  readonly name: 'medium' | 'large'
  readonly members: readonly Resident[]
}

function protectedGroups(medium: readonly Resident[], large: readonly Resident[]): Group[] {
  const groups: Group[] = [
    { name: 'large', members: large },
    { name: 'medium', members: medium }
  ]
  return groups.filter(({ members }) => members.length > 0)
}

/** Ways for each group, at most so many in all. */
function divide(groups: readonly Group[], { waysMin, wayBytes }: CacheShape, waysMax: number): number[] {
  if (groups.length === 0 || waysMax < groups.length * waysMin) return groups.map(() => 0)
  const shares = groups.map(() => waysMin)
  for (let left = waysMax - groups.length * waysMin; left > 0; ) {
    let best = { group: 0, more: 0, gain: 0 }
    for (const [group, { members }] of groups.entries()) {
      const ways = shares[group] ?? 0
      const neededBytes = members.reduce((sum, { need, count }) => sum + count * (need?.bytes ?? 0), 0)
      const now = timeWith(members, ways * wayBytes, neededBytes)
      // A first way more may help nobody and five more a lot: what counts is the gain by way.
      for (let more = 1; more <= left && (ways + more - 1) * wayBytes < neededBytes; more++) {
        const gain = (now - timeWith(members, (ways + more) * wayBytes, neededBytes)) / more
        if (gain > best.gain) best = { group, more, gain }
      }
    }
    if (best.more === 0) break
    shares[best.group] = (shares[best.group] ?? 0) + best.more
    left -= best.more
  }
  return shares
}

function timeWith(members: readonly Resident[], bytes: number, neededBytes: number): number {
  return members.reduce(
    (sum, { need, count }) => sum + (need === undefined ? 0 : count * relativeTime(need.slowdown, shareOf(need, bytes, neededBytes))),
    0
  )
}

/** What one container has of ways that it shares with others, in proportion to the needs of all. */
function shareOf({ bytes: needBytes }: CacheNeed, bytes: number, neededBytes: number): number {
  return neededBytes === 0 ? bytes : (bytes * needBytes) / neededBytes
}
