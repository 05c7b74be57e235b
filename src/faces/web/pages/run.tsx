import { useAsked, useLive } from '../hooks.ts'
import { Loading } from '../parts/empty.tsx'
import { Problem } from '../parts/problem.tsx'
import { TaskForm } from '../parts/task-form.tsx'
import { hrefOf, type Route } from '../route.ts'
import { EMPTY_TASK, type TaskFields, taskFieldsOf } from '../task-form.ts'

/** A new task; `like` is what it begins with. */
export function Run({ like, id }: Extract<Route, { page: 'run' }>) {
  return (
    <>
      <div class="head">
        <h1>Run task</h1>
      </div>
      <section class="card">
        <p class="dim lead">
          A task runs to its end on the peer where it is expected to be cheapest, and again elsewhere if it fails or its peer is lost. Once
          it has an id, the cluster has it, whatever dies.
        </p>
        {like === 'task' ? <Again id={id} /> : <New initial={like === 'function' ? { ...EMPTY_TASK, function: id } : EMPTY_TASK} />}
      </section>
    </>
  )
}

function New({ initial }: { initial: TaskFields }) {
  return (
    <TaskForm
      initial={initial}
      onDone={id => {
        location.hash = hrefOf({ page: 'task', id })
      }}
    />
  )
}

/** The same as an earlier task. */
function Again({ id }: { id: string }) {
  const live = useLive()
  const { value: task, error } = useAsked(id, options => live.client.task(id, options), { everyMs: 1_000, isFinal: () => true })
  if (task !== undefined) return <New initial={taskFieldsOf(task)} />
  return error === undefined ? <Loading what="the task" /> : <Problem error={error} />
}
