import { CaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { PeerId } from '../../model/ids.ts'
import type { TaskId } from '../../model/task.ts'
import type { FakeOutcome, FakeRuntime } from '../fake-runtime.ts'
import type { World } from '../world.ts'
import type { Process } from './process.ts'
import type { TaskMonitor } from './task-monitor.ts'
import type { TaskPrograms } from './task-programs.ts'
import { readTaskWork } from './task-work.ts'

/** What one life of a peer has for the tasks on its machine. */
export interface TaskRuntimeComponents {
  readonly id: PeerId
  readonly world: World
  readonly process: Process
  readonly programs: TaskPrograms
  readonly monitor: TaskMonitor
  /** Runs a look of the monitor; what that throws ends the run of the world. */
  readonly watch: (look: () => void) => void
}

/** The runtime of one life whose tasks run on its machine, beside the peer's process. */
export function withTaskPrograms(runtime: FakeRuntime, { programs, process }: TaskRuntimeComponents): FakeRuntime {
  return {
    ...runtime,
    setLease: remainingMs => programs.setLease(remainingMs),
    check: async options =>
      programs.isClearFor(process) ? runtime.check(options) : { ready: false, reason: 'programs of an earlier life are being ended' }
  }
}

/** Longer than any run of a world. */
const FOR_EVER_MS = 3_600_000

/** What an attempt of a task does on a machine. */
export function runTask(fn: FunctionRecord, { id, world, process, programs, monitor, watch }: TaskRuntimeComponents): FakeOutcome {
  const { key, task, attempt, latencyMs, failures, isService } = readTaskWork(fn)
  const isFailing = attempt <= failures
  const output = isFailing ? undefined : `${key}.${attempt}.${id}`
  return {
    answer: [Buffer.from(output ?? '')],
    until: async ({ signal }) => {
      let onEnd: ReturnType<TaskMonitor['onStart']> = () => {}
      world.trace(() => `${id} begins attempt ${attempt} of ${task} (${key})`)
      watch(() => {
        onEnd = monitor.onStart(id, task as TaskId, attempt, output)
      })
      await programs.run(process, {
        latencyMs: isService && !isFailing ? FOR_EVER_MS : latencyMs,
        signal,
        onEnd: how => {
          world.trace(() => `${id}: attempt ${attempt} of ${task} is ${how}`)
          onEnd(how)
        }
      })
      if (isFailing) throw new CaresError('function_failed', 'it was told to', { details: { exitCode: 1 } })
    }
  }
}
