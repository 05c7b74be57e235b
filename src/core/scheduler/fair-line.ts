/** One waiter's place. */
export interface Place {
  /** Lower ones came earlier. */
  readonly ticket: number
  /** What room is shared between: a function. */
  readonly key: string
  /** How long it is expected to hold its room, in milliseconds. */
  readonly serviceMs: number
}

interface Group {
  /** Oldest first. Never empty. */
  readonly waiting: Place[]
  /** Virtual time at which the group's first is due. */
  dueMs: number
}

/**
 * Who is next for room that several functions wait for: start-time fair queueing. Each function gets the same share of the time that containers are
 * held, whatever it asks for: one with a thousand waiting calls, or with long ones, does not keep another from its turn. Within a function the
 * first to come goes first.
 *
 * P. Goyal, H. Vin, H. Cheng, Start-time Fair Queuing, SIGCOMM 1996.
 */
export class FairLine {
  readonly #groups = new Map<string, Group>()
  /** Where a group that empties would go on: it must not get ahead by coming back. */
  readonly #left = new Map<string, number>()
  #nowMs = 0
  #nextTicket = 1
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Waiters of one function. */
  lengthOf(key: string): number {
    return this.#groups.get(key)?.waiting.length ?? 0
  }

  /** A place at the end of its function's line. */
  join(key: string, serviceMs: number): Place {
    const place = { ticket: this.#nextTicket++, key, serviceMs: Math.max(1, serviceMs) }
    const group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, { waiting: [place], dueMs: Math.max(this.#nowMs, this.#left.get(key) ?? 0) })
    else group.waiting.push(place)
    this.#length++
    return place
  }

  /** It has been given room. */
  serve(place: Place): void {
    const group = this.#groups.get(place.key)
    if (group === undefined || !group.waiting.includes(place)) return
    this.#nowMs = Math.max(this.#nowMs, group.dueMs)
    group.dueMs += place.serviceMs
    this.leave(place)
  }

  /** It had been given room that turned out to be none: it is where it was, and has used nothing. */
  returned(place: Place): void {
    const group = this.#groups.get(place.key)
    if (group === undefined) {
      const dueMs = Math.max(0, (this.#left.get(place.key) ?? this.#nowMs) - place.serviceMs)
      this.#groups.set(place.key, { waiting: [place], dueMs })
    } else {
      const behind = group.waiting.findIndex(other => other.ticket > place.ticket)
      group.waiting.splice(behind < 0 ? group.waiting.length : behind, 0, place)
      group.dueMs = Math.max(0, group.dueMs - place.serviceMs)
    }
    this.#length++
  }

  /** It waits no more. */
  leave(place: Place): void {
    const group = this.#groups.get(place.key)
    const index = group?.waiting.indexOf(place) ?? -1
    if (group === undefined || index < 0) return
    group.waiting.splice(index, 1)
    this.#length--
    if (group.waiting.length > 0) return
    this.#groups.delete(place.key)
    this.#left.set(place.key, group.dueMs)
    for (const [key, dueMs] of this.#left) if (dueMs <= this.#nowMs) this.#left.delete(key)
  }

  /** The first of each function, in the order in which they are due. */
  heads(): readonly Place[] {
    const groups = [...this.#groups.values()].flatMap(({ waiting: [first], dueMs }) => (first === undefined ? [] : [{ first, dueMs }]))
    return groups.sort((a, b) => a.dueMs - b.dueMs || a.first.ticket - b.first.ticket).map(({ first }) => first)
  }

  /** The first of a function; undefined when none of it waits. */
  firstOf(key: string): Place | undefined {
    return this.#groups.get(key)?.waiting[0]
  }

  /** Whether it is the first of its function. */
  isFirst(place: Place): boolean {
    return this.firstOf(place.key) === place
  }

  /**
   * How long those who are due before it will hold room, in all, in milliseconds; `heldMs` says what is known of each by now. One that has left is
   * told 0.
   */
  aheadMs(place: Place, heldMs: (other: Place) => number = ({ serviceMs }) => serviceMs): number {
    const dueMs = this.#dueMs(place)
    if (dueMs === undefined) return 0
    let sumMs = 0
    for (const [key, group] of this.#groups) {
      let theirsMs = group.dueMs
      for (const other of group.waiting) {
        const isBefore = key === place.key ? other.ticket < place.ticket : theirsMs < dueMs
        if (!isBefore) break
        sumMs += heldMs(other)
        theirsMs += other.serviceMs
      }
    }
    return sumMs
  }

  /** The last of the function that has most waiting: who must go when there are too many. Undefined when nobody waits. */
  lastOfLongest(): Place | undefined {
    let longest: Group | undefined
    for (const group of this.#groups.values()) if (group.waiting.length > (longest?.waiting.length ?? 0)) longest = group
    return longest?.waiting.at(-1)
  }

  #dueMs(place: Place): number | undefined {
    const group = this.#groups.get(place.key)
    if (group === undefined) return undefined
    let dueMs = group.dueMs
    for (const other of group.waiting) {
      if (other === place) return dueMs
      dueMs += other.serviceMs
    }
    return undefined
  }
}
