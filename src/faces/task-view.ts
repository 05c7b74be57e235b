import type { TaskItem } from '../model/rest-tasks.ts'
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

/** Every task in a row. */
export function tasksTable(tasks: readonly TaskItem[], nowMs: number): Table {
  return {
    columns: [
      { title: 'NAME', shrinks: true },
      { title: 'ID' },
      { title: 'STATE' },
      { title: 'TRY', align: 'right' },
      { title: 'PEER' },
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
      { text: task.state, tone: TONES[task.state] },
      `${Math.max(task.failures + (task.state === 'succeeded' || task.state === 'running' ? 1 : 0), 0)}/${task.attemptsMax}`,
      task.worker?.name ?? '-',
      task.exitCode === null ? '-' : String(task.exitCode),
      task.usage === null ? '-' : formatDurationMs(Math.round(task.usage.runMs)),
      task.image,
      String(task.cpus),
      formatBytes(task.memoryBytes),
      task.predictedMs === undefined ? '-' : formatDurationMs(Math.round(task.predictedMs)),
      task.idempotencyKey ?? '-',
      formatAge(task.submittedAt, nowMs)
    ])
  }
}

/** One task on a screen of its own. */
export function taskLines(task: TaskItem, nowMs: number): string[] {
  const { usage, error } = task
  return keyed([
    [task.id, `${task.name}, ${task.state}, submitted ${formatAge(task.submittedAt, nowMs)} ago through ${task.gateway.name}`],
    ['image', task.image],
    ...(task.function === null ? [] : [['function', task.function] as const]),
    ...(task.args.length === 0
      ? []
      : [['args', task.args.map(arg => (/[\s"']/.test(arg) || arg === '' ? JSON.stringify(arg) : arg)).join(' ')] as const]),
    [
      'limits',
      `cpu ${task.cpus}, memory ${formatBytes(task.memoryBytes)}, timeout ${formatDurationMs(task.timeoutMs)}, network ${task.network}`
    ],
    ...(task.placement === undefined ? [] : [['placed', policyText(task.placement)] as const]),
    // Values are often secrets; whoever needs them asks for JSON.
    ['env', Object.keys(task.env).join(' ') || 'none'],
    ['attempts', `${task.failures} of ${task.attemptsMax} have failed`],
    ...task.attempts.map(
      ({ attempt, worker, startedAt, endedAt, failure }) =>
        [
          `  ${attempt}`,
          `${worker.name}, ${formatAge(startedAt, nowMs)} ago${endedAt === null ? ', under way' : failure === null ? '' : `: ${failure.message}`}`
        ] as const
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
