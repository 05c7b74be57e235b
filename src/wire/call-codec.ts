import { DETAILS_CHARS_MAX, ERROR_CHARS_MAX } from '../model/remote-error.ts'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Attempt, InvocationId, PeerId } from '../model/ids.ts'
import {
  HEADERS_MAX,
  type AnswerDown,
  type AnswerEnd,
  type AnswerHead,
  type CallHead,
  type Headers,
  type RemoteError,
  type Run,
  START_KINDS,
  type StartKind,
  type Usage,
  type WholeAnswer
} from '../model/invocation.ts'
import { amount, bytes, list, oneOf, optional, refuse, required, text, toWhole, whole } from './check.ts'
import type { ExecuteDown as ExecuteDownMessage } from './generated/execute_pb.ts'
import type {
  AnswerEnd as AnswerEndMessage,
  AnswerHead as AnswerHeadMessage,
  AnswerHeadSchema,
  Attempt as AttemptMessage,
  CallHead as CallHeadMessage,
  CallHeadSchema,
  Header as HeaderMessage,
  RemoteError as RemoteErrorMessage,
  RemoteErrorSchema,
  Run as RunMessage,
  RunSchema,
  Timing as TimingMessage,
  Usage as UsageMessage,
  UsageSchema,
  WholeAnswer as WholeAnswerMessage
} from './generated/invoke_pb.ts'
import { objectText } from './json-text.ts'
import { CHUNK_BYTES_MAX, HEADERS_CHARS_MAX, ID_CHARS_MAX, PATH_CHARS_MAX } from './limits.ts'

type AnswerKind = Extract<ExecuteDownMessage['kind'], { case: AnswerDown['type'] | 'answerEnd' }>
type AnswerInit =
  | { case: 'answer'; value: MessageInitShape<typeof AnswerHeadSchema> }
  | { case: 'body'; value: Uint8Array }
  | { case: 'answerEnd'; value: AnswerEndInit }
  | { case: 'failed'; value: MessageInitShape<typeof RemoteErrorSchema> }
interface AnswerEndInit {
  usage: MessageInitShape<typeof UsageSchema>
  exitCode?: number
}
interface HeaderInit {
  name: string
  value: string
}

/** The message of one part of an answer. */
export function writeAnswer(message: AnswerDown): AnswerInit {
  switch (message.type) {
    case 'answer':
      return {
        case: 'answer',
        value: {
          status: message.head.status,
          headers: writeHeaders(message.head.headers),
          start: message.head.start,
          ...optional('timing', message.head.timing),
          ...(message.whole === undefined ? {} : { whole: { body: message.whole.body, end: writeAnswerEnd(message.whole.end) } })
        }
      }
    case 'body':
      return { case: 'body', value: message.chunk }
    case 'answer-end':
      return { case: 'answerEnd', value: writeAnswerEnd(message.end) }
    case 'failed':
      return { case: 'failed', value: writeRemoteError(message.error) }
    default:
      return refuse('answer of an unknown type')
  }
}

/** One part of an answer. Throws `protocol`. */
export function readAnswer(kind: AnswerKind): AnswerDown {
  switch (kind.case) {
    case 'answer':
      return { type: 'answer', head: readAnswerHead(kind.value), ...optional('whole', readWhole(kind.value.whole)) }
    case 'body':
      return { type: 'body', chunk: readChunk(kind.value) }
    case 'answerEnd':
      return { type: 'answer-end', end: readAnswerEnd(kind.value) }
    case 'failed':
      return { type: 'failed', error: readRemoteError(kind.value) }
    default:
      return refuse('answer of an unknown type')
  }
}

/** The message of a call's head. */
export function writeCallHead(head: CallHead): MessageInitShape<typeof CallHeadSchema> {
  return {
    method: head.method,
    path: head.path,
    query: head.query,
    headers: writeHeaders(head.headers),
    ...(head.bodyBytes === undefined ? {} : { bodyBytes: toWhole(head.bodyBytes, 'bodyBytes') }),
    ...(head.webSocket === true ? { webSocket: true } : {})
  }
}

/** A call's head, within the limits on paths and headers. Throws `protocol`. */
export function readCallHead(message: CallHeadMessage): CallHead {
  return {
    method: text(message.method, 'method', ID_CHARS_MAX, { empty: false }),
    path: text(message.path, 'path', PATH_CHARS_MAX),
    query: text(message.query, 'query', PATH_CHARS_MAX),
    headers: readHeaders(message.headers),
    ...(message.bodyBytes === undefined ? {} : { bodyBytes: whole(message.bodyBytes, 'bodyBytes') }),
    ...(message.webSocket ? { webSocket: true } : {})
  }
}

/** The message of an error. */
export function writeRemoteError(error: RemoteError): MessageInitShape<typeof RemoteErrorSchema> {
  return {
    code: error.code,
    message: error.message,
    ...optional('hint', error.hint),
    retryable: error.retryable,
    details: error.details,
    started: error.started
  }
}

/** An error of another peer; its code may be one that this version does not know. Throws `protocol`. */
export function readRemoteError(message: RemoteErrorMessage): RemoteError {
  return {
    code: text(message.code, 'code', ID_CHARS_MAX, { empty: false }),
    message: text(message.message, 'message', ERROR_CHARS_MAX),
    ...(message.hint === undefined ? {} : { hint: text(message.hint, 'hint', ERROR_CHARS_MAX) }),
    retryable: message.retryable,
    details: objectText(message.details, 'details', DETAILS_CHARS_MAX),
    started: message.started
  }
}

/** An attempt, which must be there. Throws `protocol`. */
export function readAttempt(message: AttemptMessage | undefined): Attempt {
  const { round, try: tried } = required(message, 'attempt')
  return { round, try: tried }
}

/** A peer id: not empty and not too long; whether it is one is for whoever dials it. Throws `protocol`. */
export function readPeerId(value: string, name: string): PeerId {
  return text(value, name, ID_CHARS_MAX, { empty: false }) as PeerId
}

/** An invocation id: not empty and not too long. Throws `protocol`. */
export function readInvocationId(value: string): InvocationId {
  return text(value, 'invocation', ID_CHARS_MAX, { empty: false }) as InvocationId
}

/** Bytes of a body, at most `CHUNK_BYTES_MAX`. Throws `protocol`. */
export function readChunk(chunk: Uint8Array): Uint8Array {
  return bytes(chunk, 'body', CHUNK_BYTES_MAX)
}

/** The messages of headers. */
export function writeHeaders(headers: Headers): HeaderInit[] {
  return headers.map(([name, value]) => ({ name, value }))
}

/** Headers, within the limits on them. Throws `protocol`. */
export function readHeaders(headers: readonly HeaderMessage[]): Headers {
  let chars = 0
  return list(headers, 'headers', HEADERS_MAX).map(({ name, value }) => {
    chars += name.length + value.length
    if (chars > HEADERS_CHARS_MAX) refuse(`headers have more than ${HEADERS_CHARS_MAX} characters`)
    if (name === '') refuse('a header has no name')
    return [name, value] as const
  })
}

/** How a container came to be. Throws `protocol`. */
function readStart(value: string): StartKind {
  return oneOf(value, 'start', START_KINDS)
}

function readAnswerHead(message: AnswerHeadMessage): AnswerHead {
  if (message.status < 100 || message.status > 599) refuse(`status is not from 100 to 599: ${message.status}`)
  const { status, headers, start, timing } = message
  return {
    status,
    headers: readHeaders(headers),
    start: readStart(start),
    ...(timing === undefined ? {} : { timing: readTiming(timing) })
  }
}

function writeAnswerEnd(end: AnswerEnd): AnswerEndInit {
  return { usage: writeUsage(end.usage), ...optional('exitCode', end.exitCode) }
}

function readWhole(message: WholeAnswerMessage | undefined): WholeAnswer | undefined {
  return message === undefined ? undefined : { body: readChunk(message.body), end: readAnswerEnd(required(message.end, 'end')) }
}

function readTiming(message: TimingMessage): NonNullable<AnswerHead['timing']> {
  return {
    queueMs: amount(message.queueMs, 'queueMs'),
    pullMs: amount(message.pullMs, 'pullMs'),
    startMs: amount(message.startMs, 'startMs')
  }
}

function readAnswerEnd(message: AnswerEndMessage): AnswerEnd {
  return { usage: readUsage(required(message.usage, 'usage')), ...optional('exitCode', message.exitCode) }
}

/** The message of what an execution came to. */
export function writeRun({ start, usage }: Run): MessageInitShape<typeof RunSchema> {
  return { start, usage: writeUsage(usage) }
}

/** What an execution came to. Throws `protocol`. */
export function readRun({ start, usage }: RunMessage): Run {
  return { start: readStart(start), usage: readUsage(required(usage, 'usage')) }
}

function writeUsage(usage: Usage): MessageInitShape<typeof UsageSchema> {
  return {
    queueMs: usage.queueMs,
    pullMs: usage.pullMs,
    startMs: usage.startMs,
    runMs: usage.runMs,
    ...optional('cpuMs', usage.cpuMs),
    ...(usage.memoryPeakBytes === undefined ? {} : { memoryPeakBytes: toWhole(usage.memoryPeakBytes, 'memoryPeakBytes') }),
    ...(usage.llcBytes === undefined ? {} : { llcBytes: toWhole(usage.llcBytes, 'llcBytes') }),
    ...(usage.llcUsedBytes === undefined ? {} : { llcUsedBytes: toWhole(usage.llcUsedBytes, 'llcUsedBytes') }),
    bytesIn: toWhole(usage.bytesIn, 'bytesIn'),
    bytesOut: toWhole(usage.bytesOut, 'bytesOut'),
    ...(usage.disturbed === true ? { disturbed: true } : {})
  }
}

function readUsage(message: UsageMessage): Usage {
  return {
    queueMs: amount(message.queueMs, 'queueMs'),
    pullMs: amount(message.pullMs, 'pullMs'),
    startMs: amount(message.startMs, 'startMs'),
    runMs: amount(message.runMs, 'runMs'),
    ...(message.cpuMs === undefined ? {} : { cpuMs: amount(message.cpuMs, 'cpuMs') }),
    ...(message.memoryPeakBytes === undefined ? {} : { memoryPeakBytes: whole(message.memoryPeakBytes, 'memoryPeakBytes') }),
    ...(message.llcBytes === undefined ? {} : { llcBytes: whole(message.llcBytes, 'llcBytes') }),
    ...(message.llcUsedBytes === undefined ? {} : { llcUsedBytes: whole(message.llcUsedBytes, 'llcUsedBytes') }),
    bytesIn: whole(message.bytesIn, 'bytesIn'),
    bytesOut: whole(message.bytesOut, 'bytesOut'),
    ...(message.disturbed ? { disturbed: true } : {})
  }
}
