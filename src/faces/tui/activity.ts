import type { EventItem } from '../../model/rest-events.ts'
import type { Tone } from '../table.ts'
import { assertNever } from '../../model/errors.ts'
import { formatBytes, formatDurationMs } from '../../model/units.ts'
import { strategyText } from '../view-model.ts'

/** One line of the activity log. */
export interface Activity {
  /** Rises by one with every line; tells lines apart. */
  readonly seq: number
  /** `HH:MM:SS`, by the clock of the peer that told. */
  readonly at: string
  /** What it is about, one short word. */
  readonly kind: string
  readonly text: string
  readonly tone?: Tone | undefined
  /** The call that it is about, which can be explained. */
  readonly invocation?: string | undefined
}

/** An event as a line of the log. `nameOf` gives the name of a peer, as far as it is known. */
export function activityOf(event: EventItem, seq: number, nameOf: (id: string) => string): Activity {
  return { seq, at: event.at.slice(11, 19), ...told(event, nameOf) }
}

/** The end of an invocation's id, which tells it apart on a narrow screen: `i-…h8y0kw`. */
function shortInvocation(id: string): string {
  return id.length <= INVOCATION_CHARACTERS ? id : `i-${id.slice(-SHORT_CHARACTERS)}`
}

/** Whether a line has every word of a filter, in any case. */
export function matches({ at, kind, text, invocation = '' }: Activity, words: readonly string[]): boolean {
  if (words.length === 0) return true
  const line = `${at} ${kind} ${text} ${invocation}`.toLowerCase()
  return words.every(word => line.includes(word))
}

/** The words of a filter. */
export function filterWords(filter: string): readonly string[] {
  return filter.toLowerCase().split(/\s+/).filter(Boolean)
}

const INVOCATION_CHARACTERS = 12
const SHORT_CHARACTERS = 6

type Told = Omit<Activity, 'seq' | 'at'>

function told({ type, data }: EventItem, nameOf: (id: string) => string): Told {
  switch (type) {
    case 'peer:joined':
      return { kind: 'peer', text: `${data.name} joined`, tone: 'good' }
    case 'peer:returned':
      return { kind: 'peer', text: `${data.name} is back`, tone: 'good' }
    case 'peer:suspected':
      return { kind: 'peer', text: `${data.name} is silent for ${formatDurationMs(data.silentMs)}`, tone: 'warn' }
    case 'peer:gone':
      return {
        kind: 'peer',
        text: `${data.name} ${data.reason === 'left' ? 'left' : 'is gone'}`,
        tone: data.reason === 'left' ? 'warn' : 'bad'
      }
    case 'peer:drain-changed':
      return { kind: 'peer', text: `${data.name} ${data.draining ? 'takes no new work' : 'takes work again'}`, tone: 'warn' }
    case 'orchestrator:changed':
      return data.orchestrator === null
        ? { kind: 'cluster', text: 'no orchestrator: electing', tone: 'warn' }
        : { kind: 'cluster', text: `${data.name ?? nameOf(data.orchestrator)} is orchestrator of term ${data.term}`, tone: 'good' }
    case 'voters:changed':
      return { kind: 'cluster', text: `voters ${data.voters.map(nameOf).join(' ')}` }
    case 'strategy:changed':
      return {
        kind: 'cluster',
        text: data.name === null ? 'each peer places as it was started' : `places by ${strategyText({ ...data, name: data.name })}`
      }
    case 'function:uploaded':
      return { kind: 'function', text: `${data.name} revision ${data.revision} from ${data.image}`, tone: 'good' }
    case 'function:removed':
      return { kind: 'function', text: `${data.name} removed`, tone: 'warn' }
    case 'invocation:placed':
      return {
        kind: 'invoke',
        text: `${shortInvocation(data.invocation)} ${data.function} -> ${nameOf(data.worker)}  cost ${formatDurationMs(data.costMs)}${data.placement === 'fallback' ? '  fallback' : ''}${data.round > 1 || data.try > 1 ? '  again' : ''}`,
        tone: data.placement === 'fallback' ? 'warn' : undefined,
        invocation: data.invocation
      }
    case 'invocation:finished':
      return finished(data, nameOf)
    case 'task:submitted':
      return { kind: 'task', text: `${data.name} accepted` }
    case 'task:started':
      return { kind: 'task', text: `${data.name} -> ${nameOf(data.worker)}${data.attempt > 1 ? `  attempt ${data.attempt}` : ''}` }
    case 'task:health-changed':
      return {
        kind: 'task',
        text: `${data.name} is ${data.health} on ${nameOf(data.worker)}`,
        tone: data.health === 'healthy' ? 'good' : 'bad'
      }
    case 'task:port-refused':
      return { kind: 'task', text: `${data.name}: ${data.reason}`, tone: 'bad' }
    case 'task:requeued':
      return { kind: 'task', text: `${data.name} again after ${data.code ?? 'it was handed back'}`, tone: 'warn' }
    case 'task:finished':
      return {
        kind: 'task',
        text: `${data.name} ${data.state}`,
        tone: data.state === 'succeeded' ? 'good' : data.state === 'dead' ? 'bad' : 'warn'
      }
    case 'image:progressed':
      return {
        kind: 'image',
        text: `${data.function} comes from ${nameOf(data.from)}: ${formatBytes(data.bytes)} of about ${formatBytes(data.imageBytes)}`
      }
    case 'image:arrived':
      return {
        kind: 'image',
        text: `${data.function} is here, ${formatBytes(data.bytes)} in ${formatDurationMs(data.tookMs)}`,
        tone: 'good'
      }
    case 'image:failed':
      return { kind: 'image', text: `${data.function} did not come: ${data.reason}`, tone: 'bad' }
    case 'runtime:state-changed':
      return {
        kind: 'runtime',
        text: `${data.ready ? 'ready' : 'not ready'}${data.reason === '' ? '' : `: ${data.reason}`}`,
        tone: data.ready ? 'good' : 'bad'
      }
    case 'alert:raised':
      return { kind: 'cluster', text: `ALERT ${data.message}`, tone: data.severity === 'critical' ? 'bad' : 'warn' }
    case 'alert:cleared':
      return { kind: 'cluster', text: `over: ${data.message}`, tone: 'good' }
    default:
      return assertNever(type)
  }
}

function finished(data: Extract<EventItem, { type: 'invocation:finished' }>['data'], nameOf: (id: string) => string): Told {
  const where = data.worker === null ? '' : ` on ${nameOf(data.worker)}`
  const what = `${shortInvocation(data.invocation)} ${data.function}`
  const { invocation } = data
  return isFailure(data)
    ? {
        kind: 'FAILED',
        text: `${what}${where}: ${data.code ?? data.status} after ${formatDurationMs(data.totalMs)}`,
        tone: 'bad',
        invocation
      }
    : { kind: 'done', text: `${what}${where} in ${formatDurationMs(data.totalMs)}`, invocation }
}

/** Whether a finished call failed: CARES says so, or the function answered with a server error. */
function isFailure({ code, status }: { readonly code: string | null; readonly status: number }): boolean {
  return code !== null || status >= 500
}
