import { useState } from 'preact/hooks'
import type { TaskItem } from '../../../model/rest-tasks.ts'
import { formatDurationMs } from '../../../model/units.ts'
import { useAsked, useLive, useNowMs } from '../hooks.ts'
import { ActiveAndDone } from '../parts/active-and-done.tsx'
import { TaskState } from '../parts/badges.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { FunctionLink, PeerLink } from '../parts/links.tsx'
import { Problem } from '../parts/problem.tsx'
import { hrefOf } from '../route.ts'
import { ageText } from '../words.ts'

const ASK_EVERY_MS = 1_000

/** Of the newest tasks; older ones are for the command line. */
const TASKS_LISTED = 200

/** Durable work: what waits, what runs, and what has come of the rest. */
export function Tasks() {
  const live = useLive()
  const nowMs = useNowMs()
  const [filter, setFilter] = useState('')
  const { value: list, error } = useAsked('tasks', options => live.client.tasks(TASKS_LISTED, options), {
    everyMs: ASK_EVERY_MS,
    isFinal: () => false
  })
  if (list === undefined) return error === undefined ? <Loading what="the tasks" /> : <Problem error={error} />
  const wanted = filter.trim().toLowerCase()
  const tasks = list.items.filter(({ id, name, state, image, worker }) =>
    [id, name, state, image, worker?.name ?? ''].some(text => text.toLowerCase().includes(wanted))
  )
  return (
    <>
      <div class="head">
        <h1>Tasks</h1>
        <input
          type="search"
          placeholder="Name, image, worker or state"
          aria-label="Filter the tasks"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
        <a class="button primary push" href={hrefOf({ page: 'run', like: 'nothing', id: '' })}>
          Run task
        </a>
      </div>
      {error === undefined ? null : <Problem error={error} />}
      <dl class="figures card">
        {Object.entries(list.counts).map(([state, count]) => (
          <div key={state}>
            <dt>{state}</dt>
            <dd class={state === 'dead' && count > 0 ? 'bad-text' : ''}>{count}</dd>
          </div>
        ))}
      </dl>
      <ActiveAndDone
        items={tasks}
        isActive={isActive}
        table={(tasks, label) => <TasksTable tasks={tasks} nowMs={nowMs} label={label} />}
        labels={{ active: 'Queued and running tasks', done: 'Tasks that have ended' }}
        idle="Nothing waits or runs now."
        none={
          tasks.length < list.items.length ? (
            <Empty title="No task fits the filter." />
          ) : (
            <Empty title={list.items.length === 0 ? 'There are no tasks yet.' : 'No task has ended yet.'}>
              A task runs to its end, whatever peer dies meanwhile: <a href={hrefOf({ page: 'run', like: 'nothing', id: '' })}>run one</a>,
              or: <code>cares run IMAGE -- ARGS</code>
            </Empty>
          )
        }
      />
    </>
  )
}

/** Whether something will still happen to a task. */
export function isActive({ state }: Pick<TaskItem, 'state'>): boolean {
  return state === 'queued' || state === 'running'
}

function TasksTable({ tasks, nowMs, label }: { tasks: readonly TaskItem[]; nowMs: number; label: string }) {
  return (
    <div class="table-box">
      <table aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">State</th>
            <th scope="col" class="wide">
              Runs
            </th>
            <th scope="col">Worker</th>
            <th scope="col" class="number wide">
              Failures
            </th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col" class="number wide">
              Predicted
            </th>
            <th scope="col" class="number wide">
              Age
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map(task => (
            <tr key={task.id}>
              <th scope="row">
                <a class="name" href={hrefOf({ page: 'task', id: task.id })} title={task.name}>
                  {task.name}
                </a>
              </th>
              <td>
                <TaskState task={task} />
              </td>
              <td class="wide">
                {task.function === null ? (
                  <code class="clip">{[task.image, ...task.args].join(' ')}</code>
                ) : (
                  <FunctionLink name={task.function} />
                )}
              </td>
              <td>{task.worker === null ? <span class="dim">–</span> : <PeerLink peer={task.worker} />}</td>
              <td class="number wide">{task.attemptsMax === null ? task.failures : `${task.failures} of ${task.attemptsMax}`}</td>
              <td class="number">{tookText(task, nowMs)}</td>
              <td class="number wide">{predictedText(task)}</td>
              <td class="number wide">{ageText(task.submittedAt, nowMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What was expected of the newest attempt, as far as the peer that is asked was there to expect it. */
export function predictedText({ predictedMs }: TaskItem): string {
  return predictedMs === undefined ? '–' : formatDurationMs(predictedMs)
}

/** What the newest attempt took, or has taken so far. */
export function tookText({ startedAt, finishedAt, state }: TaskItem, nowMs: number): string {
  if (startedAt === null || state === 'queued') return '–'
  return formatDurationMs(Math.max(0, (finishedAt === null ? nowMs : Date.parse(finishedAt)) - Date.parse(startedAt)))
}
