import type { World } from '../world.ts'

/**
 * One life of a peer's process. Whatever reaches it from outside (a timer, a message, an answer of its disk) comes in by `enter`, and all that
 * it does, it does in answer to that: so it can be frozen and killed from outside, between any two of its steps.
 */
export class Process {
  readonly #world: World
  #state: 'runs' | 'frozen' | 'dead' = 'runs'
  #waiting: (() => void)[] = []
  #frozenSinceMs = 0

  constructor(world: World) {
    this.#world = world
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen'
  }

  /** On the world's clock; undefined unless it is frozen. */
  get frozenSinceMs(): number | undefined {
    return this.isFrozen ? this.#frozenSinceMs : undefined
  }

  /** Something reaches the process: at once, when it thaws, or never. */
  enter(task: () => void): void {
    if (this.#state === 'runs') task()
    else if (this.#state === 'frozen') this.#waiting.push(task)
  }

  freeze(): void {
    if (this.#state !== 'runs') return
    this.#state = 'frozen'
    this.#frozenSinceMs = this.#world.nowMs
  }

  /** What has come meanwhile is taken in, one thing after the other. */
  thaw(): void {
    if (this.#state !== 'frozen') return
    this.#state = 'runs'
    for (const task of this.#waiting.splice(0)) this.#world.after(0, () => this.enter(task))
  }

  kill(): void {
    this.#state = 'dead'
    this.#waiting = []
  }
}
