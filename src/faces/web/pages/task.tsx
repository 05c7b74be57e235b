import type { TaskItem } from '../../../model/rest-tasks.ts'
import { formatBytes, formatDurationMs } from '../../../model/units.ts'
import { serviceText } from '../../task-view.ts'
import { timeOfDay } from '../../text.ts'
import { useAsked, useLive, useLiveState, useNowMs } from '../hooks.ts'
import { TaskState } from '../parts/badges.tsx'
import { CallLog } from '../parts/call-log.tsx'
import { CancelButton } from '../parts/cancel-button.tsx'
import { Loading } from '../parts/empty.tsx'
import { Facts } from '../parts/facts.tsx'
import { FunctionLink, PeerLink } from '../parts/links.tsx'
import { Placement } from '../parts/placement.tsx'
import { Problem } from '../parts/problem.tsx'
import { TaskOutput } from '../parts/task-output.tsx'
import { hrefOf } from '../route.ts'
import { agoText, bytesText } from '../words.ts'
import { isActive, predictedText, tookText } from './tasks.tsx'

const ASK_EVERY_MS = 1_000

/** One task: what it is, every attempt of it, why it is where it is, and what it has written. */
export function TaskPage({ id }: { id: string }) {
  const live = useLive()
  const { value: task, error } = useAsked(id, options => live.client.task(id, options), {
    everyMs: ASK_EVERY_MS,
    isFinal: task => !isActive(task)
  })
  return (
    <>
      <div class="head">
        <h1>
          {task?.name ?? 'Task'} <span class="mono id">{id}</span>
        </h1>
        {task === undefined ? null : <TaskState task={task} />}
        {task === undefined ? null : isActive(task) ? (
          <CancelButton cancel={options => live.client.cancelTask(id, options)} />
        ) : (
          <a class="button push" href={hrefOf({ page: 'run', like: 'task', id })}>
            Run again
          </a>
        )}
      </div>
      {error === undefined ? null : <Problem error={error} />}
      {task !== undefined ? <Told task={task} /> : error === undefined ? <Loading what="the task" /> : null}
    </>
  )
}

function Told({ task }: { task: TaskItem }) {
  const live = useLive()
  const nowMs = useNowMs()
  const { peers } = useLiveState()
  const { value: why } = useAsked(`${task.id} ${task.state}`, options => live.client.explainTask(task.id, options), {
    everyMs: ASK_EVERY_MS,
    isFinal: () => !isActive(task)
  })
  return (
    <>
      {task.error === null ? null : (
        <p class="note bad">
          <strong>{task.error.code.replace(/_/g, ' ')}:</strong> {task.error.message}
        </p>
      )}
      <div class="columns">
        <section class="card">
          <h2>Facts</h2>
          <Facts
            rows={[
              [
                'Runs',
                task.function === null ? <code>{[task.image, ...task.args].join(' ')}</code> : <FunctionLink name={task.function} />
              ],
              ['Worker', task.worker === null ? 'none yet' : <PeerLink peer={task.worker} />],
              ['Came through', <PeerLink peer={task.gateway} />],
              [
                'Limits',
                `${task.cpus} ${task.cpus === 1 ? 'core' : 'cores'}, ${formatBytes(task.memoryBytes)}${task.timeoutMs === null ? '' : `, ${formatDurationMs(task.timeoutMs)} an attempt`}`
              ],
              ...(task.service === null ? [] : [['Service', serviceText(task.service)] as [string, string]]),
              ['Took', tookText(task, nowMs)],
              ['Predicted', predictedText(task)],
              ['Exit code', task.exitCode === null ? 'none' : String(task.exitCode)],
              [
                'In and out',
                `${bytesText(task.inputBytes)} in, ${task.outputBytes === null ? 'nothing yet' : bytesText(task.outputBytes)} out`
              ],
              ['CPU time', task.usage?.cpuMs === undefined ? 'not measured' : formatDurationMs(task.usage.cpuMs)],
              ['Memory peak', task.usage?.memoryPeakBytes === undefined ? 'not measured' : formatBytes(task.usage.memoryPeakBytes)],
              ['Submitted', `${timeOfDay(task.submittedAt)}, ${agoText(task.submittedAt, nowMs)}`]
            ]}
          />
        </section>
        <section class="card">
          <h2>
            Attempts{' '}
            <span class="dim">
              {task.attemptsMax === null ? `${task.failures} failed of late` : `${task.failures} failed of at most ${task.attemptsMax}`}
            </span>
          </h2>
          <ol class="plain">
            {task.attempts.toReversed().map(({ attempt, worker, startedAt, failure }) => (
              <li key={attempt}>
                <span class="badge">{attempt}</span>
                <PeerLink peer={worker} />
                <span class={failure === null ? 'dim' : 'bad-text'}>
                  {failure === null ? (attempt === task.attempt ? task.state : 'ended') : failure.message}
                </span>
                <span class="dim push">{agoText(startedAt, nowMs)}</span>
              </li>
            ))}
          </ol>
        </section>
      </div>
      <section class="card">
        <h2>What happened</h2>
        <ol class="plain">
          {(why?.reasons ?? []).map((reason, i) => (
            <li key={i}>{named(reason, peers ?? [])}</li>
          ))}
        </ol>
      </section>
      {why?.placement == null ? null : <Placement placement={why.placement} turn={1} of={1} />}
      {task.state === 'succeeded' ? <TaskOutput id={task.id} name={`${task.name}.out`} /> : null}
      <CallLog id={task.id} isTask isOver={!isActive(task)} />
    </>
  )
}

/** A reason as people read it: with the time of day, and peers by their names. */
function named(reason: string, peers: readonly { readonly id: string; readonly name: string }[]): string {
  const short = reason.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z/, at => timeOfDay(at).slice(0, 8))
  return peers.reduce((text, { id, name }) => text.replaceAll(id, name), short)
}
