import type { Clock } from '../model/ports/clock.ts'

/** The alarm does not ring more often than this, whatever its deadline says. */
const ALARM_MS_MIN = 5
/** How often this process notes that it runs. */
const PULSE_MS = 100
/** An alarm or a pulse that comes so late says that this process starved: the silence it noticed may be its own. */
const STARVED_MS = 60

export interface DeadlineAlarmInit {
  readonly clock: Clock
  /** When it is to ring next, by that clock. */
  readonly deadlineMs: () => number
  /** The deadline has come. After this, `set` it again. */
  readonly onDeadline: (state: { readonly hasStarved: boolean }) => void
}

/** Rings once its deadline has come. That may move: later for free, earlier when it is `set` again. And it knows whether the process has starved. */
export class DeadlineAlarm {
  readonly #init: DeadlineAlarmInit
  #pulse: Disposable | undefined
  /** When this process was last seen to run, and when it had last not run for a while. */
  #pulseAtMs = 0
  #starvedAtMs = Number.NEGATIVE_INFINITY
  #alarm: Disposable | undefined
  #ringsAtMs = 0

  constructor(init: DeadlineAlarmInit) {
    this.#init = init
  }

  start(): void {
    const { clock } = this.#init
    this.#pulseAtMs = clock.nowMs()
    this.#pulse ??= clock.every(PULSE_MS, () => this.#notePulse(clock.nowMs()))
    this.set()
  }

  stop(): void {
    this.#pulse?.[Symbol.dispose]()
    this.#pulse = undefined
    this.#silence()
  }

  /** Whether the process has just not been run for a while. */
  get hasStarved(): boolean {
    const nowMs = this.#init.clock.nowMs()
    if (this.#pulse !== undefined) this.#notePulse(nowMs)
    return nowMs - this.#starvedAtMs < PULSE_MS
  }

  /** To be called when the deadline may have moved. An alarm that rings before it is left as it is: most deadlines are only put off. */
  set(): void {
    const { clock, deadlineMs } = this.#init
    if (this.#pulse === undefined) return
    const nowMs = clock.nowMs()
    const atMs = Math.max(deadlineMs(), nowMs + ALARM_MS_MIN)
    if (this.#alarm !== undefined && this.#ringsAtMs <= atMs) return
    this.#silence()
    this.#ringsAtMs = atMs
    this.#alarm = clock.after(atMs - nowMs, () => this.#ring())
  }

  #ring(): void {
    const { clock, deadlineMs, onDeadline } = this.#init
    this.#alarm = undefined
    const nowMs = clock.nowMs()
    this.#notePulse(nowMs)
    if (nowMs < deadlineMs()) this.set()
    else onDeadline({ hasStarved: nowMs - this.#ringsAtMs > STARVED_MS || nowMs - this.#starvedAtMs < PULSE_MS })
  }

  #notePulse(nowMs: number): void {
    if (nowMs - this.#pulseAtMs - PULSE_MS > STARVED_MS) this.#starvedAtMs = nowMs
    this.#pulseAtMs = nowMs
  }

  #silence(): void {
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = undefined
  }
}
