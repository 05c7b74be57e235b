import type { World } from './world.ts'

/** What a write to a disk does to its content. Runs at once and completely, or never: a transaction. */
type Write = () => void

/** One disk that takes its time: writes become durable one after the other. What they change is the caller's, and survives its crashes. */
export class SimulatedDisk {
  readonly #world: World
  readonly #fsyncMsMax: number
  #inFlight: Write | undefined

  /** `fsyncMsMax`: a write takes U[0, this). */
  constructor(world: World, { fsyncMsMax }: { fsyncMsMax: number }) {
    this.#world = world
    this.#fsyncMsMax = fsyncMsMax
  }

  /** Makes one write durable, then calls `done`; neither happens if the power fails first. One write at a time. */
  write(write: Write, done: () => void): void {
    this.#inFlight = write
    this.#world.after(this.#world.random() * this.#fsyncMsMax, () => {
      if (this.#inFlight !== write) return
      this.#inFlight = undefined
      write()
      done()
    })
  }

  /** The power fails: a write in flight has reached the disk or not, and nobody was told. */
  fail(): void {
    const write = this.#inFlight
    this.#inFlight = undefined
    if (write !== undefined && this.#world.chance(0.5)) write()
  }
}
