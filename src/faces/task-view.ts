import type { TaskItem, TaskServiceItem } from '../model/rest-tasks.ts'
import { formatBytes, formatDurationMs } from '../model/units.ts'
import { policyText } from './policy-text.ts'
import type { Table, Tone } from './table.ts'
import { formatAge, keyed } from './text.ts'

const TONES: Readonly<Record<TaskItem['state'], Tone>> = {
  queued: 'dim',
  running: 'warn',
  succeeded: 'good',
  dead: 'bad',
  cancelled: 'dim'
}

/** How a task stands, in a word: a service runs once it is healthy. */
export function taskStateCell({ state, service }: Pick<TaskItem, 'state' | 'service'>): { readonly text: string; readonly tone: Tone } {
  switch (service?.health) {
    case 'healthy':
      return { text: 'running', tone: 'good' }
    case 'starting':
      return { text: 'starting', tone: 'warn' }
    case 'unhealthy':
      return { text: 'unhealthy', tone: 'bad' }
    default:
      return { text: state, tone: TONES[state] }
  }
}

/** Every task in a row. */
export function tasksTable(tasks: readonly TaskItem[], nowMs: number): Table {
  const hasPorts = tasks.some(({ service }) => service !== null && service.publish !== null)
  return {
    columns: [
      { title: 'NAME', shrinks: true },
      { title: 'ID' },
      { title: 'STATE' },
      { title: 'TRY', align: 'right' },
      { title: 'PEER' },
      ...(hasPorts ? [{ title: 'PORT', align: 'right' } as const] : []),
      { title: 'EXIT', align: 'right' },
      { title: 'TOOK', align: 'right' },
      { title: 'IMAGE', wide: true },
      { title: 'CPU', align: 'right', wide: true },
      { title: 'MEM', align: 'right', wide: true },
      { title: 'PREDICTED', align: 'right', wide: true },
      { title: 'KEY', wide: true },
      { title: 'AGE', align: 'right' }
    ],
    rows: tasks.map(task => [
      task.name,
      task.id,
      taskStateCell(task),
      triesText(task),
      task.worker?.name ?? '-',
      ...(hasPorts ? [task.service === null || task.service.publish === null ? '-' : String(task.service.publish)] : []),
      task.exitCode === null ? '-' : String(task.exitCode),
      tookText(task, nowMs),
      task.image,
      String(task.cpus),
      formatBytes(task.memoryBytes),
      task.predictedMs === undefined ? '-' : formatDurationMs(Math.round(task.predictedMs)),
      task.idempotencyKey ?? '-',
      formatAge(task.submittedAt, nowMs)
    ])
  }
}

/** Attempts that have failed, and the one that runs, or ended otherwise. */
function triesText({ failures, state, attempts, attemptsMax, service }: TaskItem): string {
  if (service !== null) return String(service.restarts + (state === 'running' ? 1 : 0))
  const last = state !== 'queued' && attempts.at(-1)?.failure === null ? 1 : 0
  return `${failures + last}/${attemptsMax ?? '-'}`
}

function tookText({ usage, service }: TaskItem, nowMs: number): string {
  if (service !== null) return service.healthSince === null ? '-' : formatAge(service.healthSince, nowMs)
  return usage === null ? '-' : formatDurationMs(Math.round(usage.runMs))
}

/** What a service is and how it is, in a line. */
export function serviceText({ publish, port, healthPath, health, restarts }: TaskServiceItem): string {
  const where =
    publish === null ? 'publishes no port' : `port ${publish} of every peer${port === null || port === publish ? '' : `, ${port} inside`}`
  const asked = healthPath === null ? '' : `, asked at ${healthPath}`
  return `${health ?? 'over'}, ${where}${asked}, started again ${restarts === 1 ? 'once' : `${restarts} times`}`
}

/** One task on a screen of its own. */
export function taskLines(task: TaskItem, nowMs: number): string[] {
  const { usage, error, service, timeoutMs, attemptsMax } = task
  const time = timeoutMs === null ? '' : `, timeout ${formatDurationMs(timeoutMs)}`
  return keyed([
    [
      task.id,
      `${task.name}, ${taskStateCell(task).text}, submitted ${formatAge(task.submittedAt, nowMs)} ago through ${task.gateway.name}`
    ],
    ['image', task.image],
    ...(task.function === null ? [] : [['function', task.function] as const]),
    ...(task.args.length === 0
      ? []
      : [['args', task.args.map(arg => (/[\s"']/.test(arg) || arg === '' ? JSON.stringify(arg) : arg)).join(' ')] as const]),
    ['limits', `cpu ${task.cpus}, memory ${formatBytes(task.memoryBytes)}${time}, network ${task.network}`],
    ...(service === null ? [] : [['service', serviceText(service)] as const]),
    ...(task.placement === undefined ? [] : [['placed', policyText(task.placement)] as const]),
    // Values are often secrets; whoever needs them asks for JSON.
    ['env', Object.keys(task.env).join(' ') || 'none'],
    [
      'attempts',
      attemptsMax === null ? `${task.attempt}, ${task.failures} failed of late` : `${task.failures} of ${attemptsMax} have failed`
    ],
    ...task.attempts.map(
      one => [`  ${one.attempt}`, `${one.worker.name}, ${formatAge(one.startedAt, nowMs)} ago${attemptEnd(one, task.state)}`] as const
    ),
    ...(task.predictedMs === undefined
      ? []
      : [
          ['predicted', `${formatDurationMs(Math.round(task.predictedMs))} for its newest attempt, from its assignment to its end`] as const
        ]),
    ...(usage === null
      ? []
      : [
          [
            'result',
            `${formatBytes(task.outputBytes ?? 0)} in ${formatDurationMs(Math.round(usage.runMs))}, exit code ${task.exitCode ?? 0}`
          ] as const
        ]),
    ...(error?.stderr === undefined || error.stderr === '' ? [] : [['stderr', error.stderr.trimEnd().split('\n').at(-1) ?? ''] as const])
  ])
}

/** How an attempt ended: the one that did not fail ended with the task. */
function attemptEnd({ startedAt, endedAt, failure }: TaskItem['attempts'][number], state: TaskItem['state']): string {
  if (endedAt === null) return ', under way'
  return failure === null ? `: ${state} after ${formatAge(startedAt, Date.parse(endedAt))}` : `: ${failure.message}`
}
