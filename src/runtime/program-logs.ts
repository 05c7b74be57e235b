import type { FunctionRecord } from '../model/function.ts'
import type { InvocationId } from '../model/ids.ts'
import type { LogLine } from '../model/logs.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Instance } from './driver.ts'
import { readLines } from './log-lines.ts'

/** Reads what programs write to their logs, line by line. */
export class ProgramLogs {
  readonly #clock: Pick<Clock, 'timestamp'>
  readonly #listeners = new Set<(line: Omit<LogLine, 'peer'>) => void>()

  constructor(clock: Pick<Clock, 'timestamp'>) {
    this.#clock = clock
  }

  /** Called for each line. */
  onLog(listener: (line: Omit<LogLine, 'peer'>) => void): void {
    this.#listeners.add(listener)
  }

  /** Reads the log of a program. Its stdout belongs to that, unless it is an answer. */
  watch(
    instance: Instance,
    fn: FunctionRecord,
    { invocation, isAnswer }: { invocation?: InvocationId | undefined; isAnswer: boolean }
  ): void {
    const tell = (stream: LogLine['stream']) => (text: string) => {
      for (const listener of this.#listeners) listener({ at: this.#clock.timestamp(), function: fn.name, invocation, stream, text })
    }
    readLines(instance.stderr, tell('stderr'))
    if (!isAnswer) readLines(instance.stdout, tell('stdout'))
  }
}
