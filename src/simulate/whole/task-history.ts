import type { PeerId } from '../../model/ids.ts'
import type { TaskId, TaskState } from '../../model/task.ts'
import type { Ending } from './history.ts'

/** One submission, from its client's side. */
export interface Submission {
  /** The client's name for the task. The same key is only used for the same work. */
  readonly key: string
  readonly gateway: PeerId
  readonly startMs: number
  end?: Ending
  /** What it was told, if it was acknowledged. */
  id?: TaskId
}

/** What a client was told of a task that is over. */
export interface ToldTask {
  readonly id: TaskId
  readonly by: PeerId
  readonly state: TaskState
  /** Of a task that succeeded. */
  readonly output: string | undefined
}

/** One run of an attempt. */
export interface TaskRun {
  readonly task: TaskId
  readonly attempt: number
  readonly worker: PeerId
  readonly startMs: number
  /** In true time; absent while it runs. */
  endMs?: number
  /** What it has written, if it came to its end. */
  output?: string
}

/** What a peer's tables say of a task at the end. */
export interface FinalTask {
  readonly key: string | undefined
  readonly state: TaskState
  readonly failures: number
  readonly attemptsMax: number
  readonly output: string | undefined
  readonly isService: boolean
}

/** Everything that clients did with tasks and were told of them, and what really ran. */
export class TaskHistory {
  readonly submissions: Submission[] = []
  readonly told: ToldTask[] = []
  readonly runs: TaskRun[] = []
}
