import type { MemoryDisk } from '../memory-store.ts'
import type { World } from '../world.ts'
import type { Process } from './process.ts'

export interface SlowDiskInit {
  /** A write takes U[0, this). */
  readonly fsyncMsMax: number
  /** Chance that the process dies when a write has just become durable, before it learns of that. */
  readonly dieAfterWriteRatio: () => number
  /** It dies now. */
  readonly onDie: () => void
}

/** Makes the writes of one life of a peer take time: one after the other, each whole or not at all. */
export class SlowDisk {
  readonly #world: World
  readonly #disk: MemoryDisk
  readonly #process: Process
  readonly #init: SlowDiskInit
  readonly #inFlight: (() => void)[] = []
  #lastAtMs = 0

  constructor(world: World, disk: MemoryDisk, process: Process, init: SlowDiskInit) {
    this.#world = world
    this.#disk = disk
    this.#process = process
    this.#init = init
    disk.commit = write => this.#commit(write)
  }

  #commit(write: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (this.#process.isDead) return promise
    const { fsyncMsMax, dieAfterWriteRatio, onDie } = this.#init
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#world.nowMs) + this.#world.random() * fsyncMsMax
    this.#inFlight.push(write)
    this.#world.at(this.#lastAtMs, () => {
      if (this.#process.isDead) return
      this.#inFlight.shift()
      try {
        write()
      } catch (err) {
        this.#process.enter(() => reject(err))
        return
      }
      if (this.#world.chance(dieAfterWriteRatio())) onDie()
      else this.#process.enter(resolve)
    })
    return promise
  }

  /** The process is dead: some of what it had begun to write is on the disk, the rest is not, and nobody was told. */
  lose(): void {
    for (const write of this.#inFlight.splice(0)) {
      if (this.#disk.failure !== null || this.#world.chance(0.5)) return
      write()
    }
  }
}
