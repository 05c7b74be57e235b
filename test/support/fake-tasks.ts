import { CaresError } from '../../src/model/errors.ts'
import { valuesOf } from '../../src/model/shards.ts'
import type { TaskRecord } from '../../src/model/task.ts'
import type { TaskService } from '../../src/model/task-service.ts'
import { sampleReceipt } from './samples.ts'
import { sampleResult, sampleSubmit, tasksWith } from './sample-task.ts'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import type { TaskSession } from '../../src/model/task.ts'

/** A task named report that succeeded on `worker`. */
export function sampleTask(worker: PeerId): TaskRecord {
  const { id, at } = sampleSubmit()
  const [task] = valuesOf(
    tasksWith(
      sampleSubmit(),
      { type: 'assign', id, attempt: 1, worker, session: 's-1' as TaskSession, at },
      { type: 'complete', id, attempt: 1, result: sampleResult({ output: { bytes: 2, inline: 'aGk=' } }), at }
    ).tasks
  )
  if (task === undefined) throw new Error('no task')
  return task
}

/** A service that knows one task. */
export function fakeTasks(task: TaskRecord, script: Partial<TaskService> = {}): TaskService {
  const find = async (id: string): Promise<TaskRecord> => {
    if (id === task.id || id === task.spec.name) return task
    throw new CaresError('not_found', `no task ${id}`)
  }
  return {
    submit: async () => ({ task, created: true }),
    upload: async bytes => ({ digest: 'sha256:0' as Digest, bytes: Buffer.concat(await Array.fromAsync(bytes)).length, holders: [] }),
    list: async () => ({ items: [task], next: null }),
    counts: async () => ({ queued: 0, running: 0, succeeded: 1, dead: 0, cancelled: 0 }),
    find,
    waitFor: find,
    cancel: find,
    output: async id => {
      await find(id)
      return {
        bytes: 2,
        body: (async function* () {
          yield Buffer.from('hi')
        })()
      }
    },
    explain: async () => ({ reasons: ['placed on birch'], receipt: sampleReceipt({ function: 'task/sha256:report@0' }), recomputes: null }),
    ...script
  }
}
