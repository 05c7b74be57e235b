import type { World } from './world.ts'

/** How bad the links are. All ratios are chances per message. */
export interface LinkQuality {
  readonly lossRatio: number
  readonly duplicateRatio: number
  /** Messages that take up to {@link STRAGGLER_MS_MAX} instead, and so arrive out of any order. */
  readonly stragglerRatio: number
  /** One-way delay: U[0.5, this + 0.5). */
  readonly delayMsMax: number
}

/** Longer than any election timeout of a simulation: such a message arrives in another term, often. */
const STRAGGLER_MS_MAX = 3_000

const DELAY_MS_MIN = 0.5

/** Links between peers, each direction on its own. Carries anything: a message is what `deliver` does. */
export class SimulatedNetwork {
  quality: LinkQuality
  readonly #world: World
  /** By sender, whom it does not reach. */
  readonly #cutLinks = new Map<string, Set<string>>()

  constructor(world: World, quality: LinkQuality) {
    this.#world = world
    this.quality = quality
  }

  cut(from: string, to: string): void {
    this.#cutLinks.set(from, (this.#cutLinks.get(from) ?? new Set()).add(to))
  }

  healAll(): void {
    this.#cutLinks.clear()
  }

  isCut(from: string, to: string): boolean {
    return this.#cutLinks.size > 0 && this.#cutLinks.get(from)?.has(to) === true
  }

  /** Calls `deliver` later: usually once, maybe never, maybe twice. A link that is cut meanwhile loses what is on its way. */
  send(from: string, to: string, deliver: () => void): void {
    const { lossRatio, duplicateRatio } = this.quality
    if (this.isCut(from, to) || this.#world.chance(lossRatio)) return
    const arrive = (): void => {
      if (!this.isCut(from, to)) deliver()
    }
    this.#world.after(this.#delayMs(), arrive)
    if (this.#world.chance(duplicateRatio)) this.#world.after(this.#delayMs(), arrive)
  }

  #delayMs(): number {
    const { stragglerRatio, delayMsMax } = this.quality
    const longest = this.#world.chance(stragglerRatio) ? STRAGGLER_MS_MAX : delayMsMax
    return DELAY_MS_MIN + this.#world.random() * longest
  }
}
