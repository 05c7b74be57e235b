import { CaresError } from '../../model/errors.ts'
import type { World } from '../world.ts'
import type { Process } from './process.ts'

/** How a program came to its end. */
export type ProgramEnd = 'done' | 'stopped' | 'killed'

/** A program that is asked to end has this long for it. */
const STOP_MS_MAX = 200
/** The watchdog sees that its peer's process is gone, and the engine ends what that had. */
const NOTICE_MS_MAX = 100

interface Program {
  readonly process: Process
  end(how: ProgramEnd): void
}

/**
 * The programs of tasks on one machine, and the watchdog beside the peer's process. They are not the process: they run on while it is frozen, and
 * end with their lease, or soon after the process. What they came to reaches the process when it runs.
 */
export class TaskPrograms {
  readonly #world: World
  /** Of the machine's clock, in milliseconds for each true one. */
  readonly #rate: number
  readonly #running = new Set<Program>()
  /** In true time, of the present life. */
  #leaseUntilMs = Number.POSITIVE_INFINITY

  constructor(world: World, rate: number) {
    this.#world = world
    this.#rate = rate
  }

  get runningCount(): number {
    return this.#running.size
  }

  /** As `Runtime.setLease`. */
  setLease(remainingMs: number): void {
    this.#leaseUntilMs = this.#world.nowMs + Math.max(0, remainingMs) / this.#rate
    this.#world.at(this.#leaseUntilMs, () => this.#look())
  }

  /** Runs a program of `process` for so long; `onEnd` is told in true time, however it ends. Rejects when it was stopped or killed. */
  async run(
    process: Process,
    { latencyMs, onEnd, signal }: { latencyMs: number; onEnd: (how: ProgramEnd) => void; signal: AbortSignal }
  ): Promise<void> {
    const ended = Promise.withResolvers<void>()
    const program: Program = {
      process,
      end: how => {
        if (!this.#running.delete(program)) return
        signal.removeEventListener('abort', stop)
        onEnd(how)
        process.enter(() => {
          if (how === 'done') ended.resolve()
          else if (signal.aborted) ended.reject(signal.reason as Error)
          else ended.reject(new CaresError('function_failed', 'it was killed', { details: { exitCode: 137 } }))
        })
      }
    }
    const stop = (): void => void this.#world.after(this.#world.random() * STOP_MS_MAX, () => program.end('stopped'))
    this.#running.add(program)
    signal.addEventListener('abort', stop, { once: true })
    this.#world.after(latencyMs, () => program.end('done'))
    if (signal.aborted) stop()
    this.#look()
    await ended.promise
  }

  /** The peer's process is dead; with `power`, its machine is. Whatever comes next is without a lease. */
  onDeath({ power }: { power: boolean }): void {
    this.#leaseUntilMs = Number.POSITIVE_INFINITY
    for (const program of this.#running) {
      if (power) program.end('killed')
      else this.#world.after(this.#world.random() * NOTICE_MS_MAX, () => program.end('killed'))
    }
  }

  /** Ends what an earlier life has left, as an engine does for a peer that returns; true once nothing of it is there. */
  isClearFor(process: Process): boolean {
    return ![...this.#running].some(program => program.process !== process)
  }

  #look(): void {
    if (this.#world.nowMs < this.#leaseUntilMs) return
    for (const program of this.#running) if (!program.process.isDead) program.end('killed')
  }
}
