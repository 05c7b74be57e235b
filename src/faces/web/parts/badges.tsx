import type { PeerStatsItem } from '../../../model/rest.ts'
import type { Invocation } from '../../../model/rest-invocations.ts'
import type { TaskItem } from '../../../model/rest-tasks.ts'
import { taskStateCell } from '../../task-view.ts'

const PEER_TONES: Readonly<Record<PeerStatsItem['state'], string>> = { alive: 'good', suspect: 'warn', draining: 'warn', gone: 'bad' }
/** Where there is no room for more. */
const CALL_SHORTS: Readonly<Record<Invocation['state'], string>> = { queued: 'waits', running: 'runs', succeeded: 'ok', failed: 'failed' }
const CALL_TONES: Readonly<Record<Invocation['state'], string>> = { queued: 'warn', running: 'busy', succeeded: 'good', failed: 'bad' }

/** The state of a peer: a dot, and always the word. */
export function PeerState({ state }: { state: PeerStatsItem['state'] }) {
  return <State tone={PEER_TONES[state]} text={state} />
}

/** The state of a call; of one that failed, why. */
export function CallState({ call: { state, error, status } }: { call: Pick<Invocation, 'state' | 'error' | 'status'> }) {
  const text = error?.code ?? (state === 'succeeded' && status !== null && status !== 200 ? `succeeded ${status}` : state)
  return <State tone={CALL_TONES[state]} text={text.replace(/_/g, ' ')} short={CALL_SHORTS[state]} title={error?.message} />
}

const TASK_TONES: Readonly<Record<TaskItem['state'], string>> = {
  queued: 'warn',
  running: 'busy',
  succeeded: 'good',
  dead: 'bad',
  cancelled: 'quiet-dot'
}

/** The state of a task; of one that failed, why. */
export function TaskState({ task: { state, error, service } }: { task: Pick<TaskItem, 'state' | 'error' | 'service'> }) {
  const { text, tone } = taskStateCell({ state, service })
  return <State tone={service === null ? TASK_TONES[state] : tone} text={text} title={error?.message} />
}

/** The role of the one peer that has one. */
export function RoleBadge({ role }: { role: PeerStatsItem['role'] }) {
  return role === 'orchestrator' ? <span class="badge">orchestrator</span> : null
}

function State({ tone, text, short = text, title }: { tone: string; text: string; short?: string; title?: string | undefined }) {
  return (
    <span class={`state ${tone}`} title={title}>
      <span class="dot" aria-hidden="true" />
      <span class="word" data-short={short}>
        {text}
      </span>
    </span>
  )
}
