import type { PeerId } from '../../model/ids.ts'
import type { World } from '../world.ts'
import type { Process } from './process.ts'

/** How long bytes are on their way. */
export interface WireQuality {
  /** One-way delay: U[0.2, this + 0.2). */
  readonly delayMsMax: number
  /** Chance that a segment is sent again and again, and takes up to {@link RETRANSMISSION_MS_MAX}; what comes after it in the same connection waits. */
  readonly stragglerRatio: number
}

const DELAY_MS_MIN = 0.2
/** Some of TCP's retransmissions, which double from 200 ms. */
export const RETRANSMISSION_MS_MAX = 3_000

/** The state of each direction between two peers. */
export class Wires {
  quality: WireQuality
  readonly #world: World
  readonly #silent = new Set<string>()
  readonly #slowMs = new Map<string, number>()

  constructor(world: World, quality: WireQuality) {
    this.#world = world
    this.quality = quality
  }

  silence(from: PeerId, to: PeerId): void {
    this.#silent.add(direction(from, to))
  }

  unsilence(from: PeerId, to: PeerId): void {
    this.#silent.delete(direction(from, to))
  }

  slow(from: PeerId, to: PeerId, ms: number): void {
    this.#slowMs.set(direction(from, to), ms)
  }

  /** Everybody hears everybody, soon. */
  heal(): void {
    this.#silent.clear()
    this.#slowMs.clear()
  }

  isSilent(from: PeerId, to: PeerId): boolean {
    return this.#silent.has(direction(from, to))
  }

  delayMs(from: PeerId, to: PeerId): number {
    const { stragglerRatio, delayMsMax } = this.quality
    const longest = this.#world.chance(stragglerRatio) ? RETRANSMISSION_MS_MAX : delayMsMax
    return DELAY_MS_MIN + this.#world.random() * longest + (this.#slowMs.get(direction(from, to)) ?? 0)
  }
}

/**
 * One direction of one connection: everything arrives once and in order, or not at all, as over TCP. While the direction is silent it waits, and
 * goes on when it is not.
 */
export class Pipe {
  readonly #world: World
  readonly #wires: Wires
  readonly #from: PeerId
  readonly #to: PeerId
  readonly #receiver: Process
  readonly #held: (() => void)[] = []
  #lastAtMs = 0
  #stalledUntilMs = 0
  #isClosed = false

  constructor(world: World, wires: Wires, { from, to, receiver }: { from: PeerId; to: PeerId; receiver: Process }) {
    this.#world = world
    this.#wires = wires
    this.#from = from
    this.#to = to
    this.#receiver = receiver
  }

  /** What waits because the direction is silent. */
  get heldCount(): number {
    return this.#held.length
  }

  carry(task: () => void): void {
    const atMs = Math.max(this.#lastAtMs, this.#world.nowMs + this.#wires.delayMs(this.#from, this.#to))
    this.#lastAtMs = atMs
    this.#world.at(atMs, () => {
      if (this.#held.length > 0 || this.#isStuck) this.#held.push(task)
      else this.#deliver(task)
    })
  }

  /** The direction may not be silent any more. */
  resume(): void {
    if (this.#held.length > 0) this.#world.after(this.#wires.delayMs(this.#from, this.#to), () => this.#flush())
  }

  /** What is on its way in this connection comes so much later, as if its segments were lost and sent again; other connections do not wait for it. */
  stall(ms: number): void {
    this.#stalledUntilMs = this.#world.nowMs + ms
    this.#world.at(this.#stalledUntilMs, () => this.#flush())
  }

  close(): void {
    this.#isClosed = true
    this.#held.length = 0
  }

  get #isStuck(): boolean {
    return this.#world.nowMs < this.#stalledUntilMs || this.#wires.isSilent(this.#from, this.#to)
  }

  #flush(): void {
    if (this.#isStuck) return
    const task = this.#held.shift()
    if (task === undefined) return
    this.#deliver(task)
    if (this.#held.length > 0) this.#world.after(0, () => this.#flush())
  }

  #deliver(task: () => void): void {
    if (this.#isClosed) return
    this.#receiver.enter(() => {
      if (!this.#isClosed) task()
    })
  }
}

function direction(from: PeerId, to: PeerId): string {
  return `${from}>${to}`
}
