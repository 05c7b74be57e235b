import type { ErrorCode } from '../../model/errors.ts'
import type { Call, FinalTables, History, Start, Upload } from './history.ts'

/** Longer than its deadline and the gateway's own grace of 500 ms no call may take; the rest is for the last message, and for clocks that are off. */
const GRACE_MS = 700

/** What no client may hear, whatever happens to the cluster: these say that something is wrong with CARES itself. */
const DEFECTS: ReadonlySet<ErrorCode> = new Set([
  'internal',
  'protocol',
  'bad_request',
  'invalid',
  'unauthorized',
  'incompatible',
  'withdrawn'
])

/** Codes that promise that nothing was started. */
const NOT_STARTED: ReadonlySet<ErrorCode> = new Set([
  'no_capacity',
  'no_orchestrator',
  'no_quorum',
  'not_orchestrator',
  'overloaded',
  'not_found',
  'busy',
  'stale',
  'peer_draining',
  'runtime_unavailable'
])

/** Whether an answer says that something is wrong with CARES itself. What members can read may not be known yet: whoever asks again is told. */
export function isDefect({ code, retryable }: { readonly code: ErrorCode; readonly retryable: boolean }): boolean {
  return DEFECTS.has(code) && !(code === 'incompatible' && retryable)
}

/** Everything in a history that contradicts the promises, as sentences; empty when all is well. `nowMs`: when the history ends. */
export function contradictions(history: History, finals: readonly FinalTables[], nowMs: number): readonly string[] {
  const starts = Map.groupBy(history.starts, ({ key }) => key)
  return [
    ...history.calls.flatMap(call => judgeCall(call, starts.get(call.key) ?? [], nowMs)),
    ...[...Map.groupBy(history.uploads, ({ name }) => name)].flatMap(([name, uploads]) => judgeUploads(name, uploads, finals))
  ]
}

function judgeCall(call: Call, starts: readonly Start[], nowMs: number): readonly string[] {
  const found: string[] = []
  const say = (what: string): void => {
    found.push(`call ${call.key} of ${call.function} through ${call.gateway} ${what}`)
  }
  const { end, idempotent, startMs, frozenMs } = call
  if (starts.length > 1 && !idempotent) {
    say(`was started ${starts.length} times: ${starts.map(({ worker, atMs }) => `${worker} at ${atMs.toFixed(0)} ms`).join(', ')}`)
  }
  const tookMs = (end?.atMs ?? nowMs) - startMs - frozenMs
  const deadlineMs = Math.min(call.timeoutMs, (call.cancelledMs ?? Number.POSITIVE_INFINITY) - startMs)
  if (end === undefined && tookMs > deadlineMs + GRACE_MS) say('was never answered')
  if (end !== undefined && end.type !== 'gateway died' && tookMs > deadlineMs + GRACE_MS) {
    say(`ended ${(tookMs - deadlineMs).toFixed(0)} ms after its deadline`)
  }
  if (end?.type === 'ok') {
    if (starts.length === 0) say('was answered and never started')
    else if (!starts.some(({ output }) => output === call.output))
      say(`was answered with ${clip(call.output)}, which no run of it has made`)
  }
  if (end?.type === 'error') {
    if (isDefect(end)) say(`ended with ${end.code}: ${end.message}`)
    if (starts.length > 0 && !idempotent && (NOT_STARTED.has(end.code) || end.retryable) && call.cancelledMs === undefined) {
      say(`was started, and its client told ${end.code}${end.retryable ? ', and to try again' : ''}: ${end.message}`)
    }
  }
  return found
}

/** What contradicts the promises in the uploads of one name: revisions that were given twice, went back, or were lost. */
export function judgeUploads(name: string, uploads: readonly Upload[], finals: readonly FinalTables[]): readonly string[] {
  const found: string[] = []
  const acknowledged = uploads.filter(({ end }) => end?.type === 'ok')
  const byRevision = new Map<number, Upload>()
  for (const upload of acknowledged) {
    const { revision = 0, image, ifRevision } = upload
    const other = byRevision.get(revision)
    if (other !== undefined) found.push(`revision ${revision} of ${name} was acknowledged for ${other.image} and for ${image}`)
    byRevision.set(revision, upload)
    if (ifRevision !== undefined && revision !== ifRevision + 1) {
      found.push(`the upload of ${image} wanted to follow revision ${ifRevision} of ${name} and was acknowledged as ${revision}`)
    }
  }
  for (const { image, revision = 0, startMs } of acknowledged) {
    const earlier = acknowledged.find(other => (other.end?.atMs ?? 0) < startMs && (other.revision ?? 0) >= revision)
    if (earlier !== undefined) {
      found.push(`${name}: revision ${revision} (${image}) was asked for after ${earlier.revision} (${earlier.image}) was acknowledged`)
    }
  }
  for (const { end, image, name: fn } of uploads) {
    if (end?.type === 'error' && isDefect(end)) found.push(`the upload of ${image} as ${fn} ended with ${end.code}: ${end.message}`)
  }
  const newest = Math.max(0, ...byRevision.keys())
  for (const { peer, functions } of finals) {
    const last = functions.get(name)
    if ((last?.revision ?? 0) < newest)
      found.push(`revision ${newest} of ${name} was acknowledged, ${peer} has ${last?.revision ?? 'none'}`)
    if (last !== undefined && byRevision.has(last.revision) && byRevision.get(last.revision)?.image !== last.image) {
      found.push(
        `revision ${last.revision} of ${name} is ${last.image} on ${peer}, acknowledged was ${byRevision.get(last.revision)?.image}`
      )
    }
    if (last !== undefined && !uploads.some(({ image }) => image === last.image))
      found.push(`${peer} has an image of ${name} that nobody uploaded`)
  }
  return found
}

function clip(text: string | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 80))
}
