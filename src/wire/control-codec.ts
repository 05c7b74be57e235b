import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ControlAnswer, ControlRequest, PeerAddress } from '../model/control.ts'
import { INVOCATION_STATES } from '../model/invocation.ts'
import { INVOCATIONS_LISTED_MAX, type InvocationQuery } from '../model/invocation-list.ts'
import { LOG_STREAMS, type LogLine, type LogQuery } from '../model/logs.ts'
import { readInvocationId, readPeerId, readRemoteError, readRun, writeRemoteError, writeRun } from './call-codec.ts'
import { list, oneOf, optional, refuse, required, text, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type AskInvocations,
  type AskLogs,
  type ControlAnswer as ControlAnswerMessage,
  ControlAnswerSchema,
  type ControlRequest as ControlRequestMessage,
  ControlRequestSchema,
  type LogLine as LogLineMessage,
  type PeerAddress as PeerAddressMessage
} from './generated/control_pb.ts'
import { readAddresses, readCluster, readProfile, writeProfile } from './gossip-codec.ts'
import { readFunctionHistory, writeFunctionHistory } from './history-codec.ts'
import { readRecord, readSummary } from './invocation-json.ts'
import { ADMISSIONS_MAX, ID_CHARS_MAX, LOG_LINE_CHARS_MAX, MESSAGE_BYTES_MAX, PEERS_MAX, TEXT_CHARS_MAX } from './limits.ts'
import { readKnown, readObservations, writeKnown, writeObservation } from './observation-codec.ts'
import { readCommand, writeCommand } from './command-codec.ts'
import { readFunction, writeFunction } from './function-codec.ts'
import { readOutcome, writeOutcome } from './outcome-codec.ts'
import { readAdmission, readLedger, readQuestion } from './scheduling-json.ts'

/** `LogQuery.tail`. */
const TAIL_MAX = 10_000

/** Questions. The page is `protocols/control.md`. */
export const controlRequestCodec = createCodec({
  schema: ControlRequestSchema,
  name: 'control',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeRequest,
  read: readRequest,
  // Of a command that is to be proposed, nothing may be left out.
  keepsUnknown: true
})

/** Answers to {@link controlRequestCodec}. */
export const controlAnswerCodec = createCodec({
  schema: ControlAnswerSchema,
  name: 'control',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeAnswer,
  read: readAnswer
})

function writeRequest(request: ControlRequest): MessageInitShape<typeof ControlRequestSchema> {
  switch (request.type) {
    case 'join':
      return { kind: { case: 'join', value: { profile: writeProfile(request.profile), ...optional('cluster', request.cluster) } } }
    case 'leave':
      return { kind: { case: 'leave', value: { peer: request.peer, force: request.force ?? false } } }
    case 'propose':
      return { kind: { case: 'propose', value: writeCommand(request.command) } }
    case 'invocation':
      return { kind: { case: 'invocation', value: { invocation: request.invocation } } }
    case 'function':
      return { kind: { case: 'function', value: { name: request.name } } }
    case 'logs': {
      const { invocation, function: fn, tail, follow } = request.query
      return { kind: { case: 'logs', value: { ...optional('invocation', invocation), ...optional('function', fn), tail, follow } } }
    }
    case 'cancel':
      return { kind: { case: 'cancel', value: { invocation: request.invocation } } }
    case 'cut':
      return { kind: { case: 'cut', value: { invocation: request.invocation, run: writeRun(request.run) } } }
    case 'reach':
      return { kind: { case: 'reach', value: optional('peer', request.peer) } }
    case 'read-index':
      return { kind: { case: 'readIndex', value: {} } }
    case 'observations':
      return { kind: { case: 'observations', value: writeKnown(request.known) } }
    case 'costs':
      return { kind: { case: 'costs', value: {} } }
    case 'history':
      return { kind: { case: 'history', value: { sinceMs: Math.round(request.sinceMs) } } }
    case 'invocations': {
      const { function: fn, state, limit, since } = request.query
      return {
        kind: {
          case: 'invocations',
          value: { ...optional('function', fn), ...optional('state', state), limit, ...optional('since', since) }
        }
      }
    }
    case 'admission':
      return { kind: { case: 'admission', value: { question: JSON.stringify(request.question) } } }
    default:
      return refuse('control: a request of an unknown type')
  }
}

function readRequest({ kind }: ControlRequestMessage): ControlRequest {
  switch (kind.case) {
    case 'join':
      return {
        type: 'join',
        profile: readProfile(required(kind.value.profile, 'profile')),
        ...(kind.value.cluster === undefined ? {} : { cluster: readCluster(kind.value.cluster) })
      }
    case 'leave':
      return { type: 'leave', peer: readPeerId(kind.value.peer, 'peer'), ...(kind.value.force ? { force: true } : {}) }
    case 'propose':
      return { type: 'propose', command: readCommand(kind.value) }
    case 'invocation':
      return { type: 'invocation', invocation: readInvocationId(kind.value.invocation) }
    case 'function':
      return { type: 'function', name: text(kind.value.name, 'name', ID_CHARS_MAX) }
    case 'logs':
      return { type: 'logs', query: readQuery(kind.value) }
    case 'cancel':
      return { type: 'cancel', invocation: readInvocationId(kind.value.invocation) }
    case 'cut':
      return { type: 'cut', invocation: readInvocationId(kind.value.invocation), run: readRun(required(kind.value.run, 'run')) }
    case 'reach':
      return { type: 'reach', ...(kind.value.peer === undefined ? {} : { peer: readPeerId(kind.value.peer, 'peer') }) }
    case 'readIndex':
      return { type: 'read-index' }
    case 'observations':
      return { type: 'observations', known: readKnown(kind.value) }
    case 'costs':
      return { type: 'costs' }
    case 'history':
      return { type: 'history', sinceMs: kind.value.sinceMs }
    case 'invocations':
      return { type: 'invocations', query: readInvocationQuery(kind.value) }
    case 'admission':
      return { type: 'admission', question: readQuestion(kind.value.question) }
    default:
      return refuse('control: a request of an unknown type')
  }
}

function readQuery(query: AskLogs): LogQuery {
  if (query.tail > TAIL_MAX) refuse(`tail is larger than ${TAIL_MAX}`)
  return {
    ...(query.invocation === undefined ? {} : { invocation: readInvocationId(query.invocation) }),
    ...(query.function === undefined ? {} : { function: text(query.function, 'function', ID_CHARS_MAX) }),
    tail: query.tail,
    follow: query.follow
  }
}

function readInvocationQuery({ function: fn, state, limit, since }: AskInvocations): InvocationQuery {
  if (limit < 1 || limit > INVOCATIONS_LISTED_MAX) refuse(`limit is not from 1 to ${INVOCATIONS_LISTED_MAX}`)
  return {
    ...(fn === undefined ? {} : { function: text(fn, 'function', ID_CHARS_MAX) }),
    ...(state === undefined ? {} : { state: oneOf(state, 'state', INVOCATION_STATES) }),
    ...(since === undefined ? {} : { since: text(since, 'since', TEXT_CHARS_MAX) }),
    limit
  }
}

function writeAnswer(answer: ControlAnswer): MessageInitShape<typeof ControlAnswerSchema> {
  switch (answer.type) {
    case 'joined':
      return {
        kind: {
          case: 'joined',
          value: {
            cluster: answer.cluster,
            ...optional('orchestrator', answer.orchestrator ?? undefined),
            members: answer.members.map(({ id, addresses }) => ({ id, addresses: [...addresses] }))
          }
        }
      }
    case 'left':
      return { kind: { case: 'left', value: { ...optional('wasMember', answer.wasMember) } } }
    case 'outcome':
      return {
        kind: {
          case: 'outcome',
          value: {
            outcome: writeOutcome(answer.outcome),
            index: toWhole(answer.index, 'index'),
            term: toWhole(answer.term, 'term')
          }
        }
      }
    case 'invocation':
      return { kind: { case: 'invocation', value: answer.record === null ? {} : { record: JSON.stringify(answer.record) } } }
    case 'function':
      return { kind: { case: 'function', value: answer.record === null ? {} : { record: writeFunction(answer.record) } } }
    case 'log':
      return { kind: { case: 'log', value: writeLine(answer.line) } }
    case 'cancelled':
      return { kind: { case: 'cancelled', value: { found: answer.found } } }
    case 'noted':
      return { kind: { case: 'noted', value: {} } }
    case 'reached':
      return { kind: { case: 'reached', value: { reached: answer.reached } } }
    case 'read-index':
      return { kind: { case: 'readIndex', value: { index: toWhole(answer.index, 'index') } } }
    case 'observations':
      return { kind: { case: 'observations', value: { observations: answer.observations.map(writeObservation), more: answer.more } } }
    case 'costs':
      return { kind: { case: 'costs', value: { ledger: JSON.stringify(answer.ledger) } } }
    case 'admissions':
      return { kind: { case: 'admissions', value: { records: answer.records.map(record => JSON.stringify(record)) } } }
    case 'function-history':
      return { kind: { case: 'functionHistory', value: writeFunctionHistory(answer.stepMs, answer.history) } }
    case 'summary':
      return { kind: { case: 'summary', value: { summary: JSON.stringify(answer.invocation) } } }
    case 'end':
      return { kind: { case: 'end', value: {} } }
    case 'failed':
      return { kind: { case: 'failed', value: writeRemoteError(answer.error) } }
    default:
      return refuse('control: an answer of an unknown type')
  }
}

function readAnswer({ kind }: ControlAnswerMessage): ControlAnswer {
  switch (kind.case) {
    case 'joined': {
      const { cluster, orchestrator, members } = kind.value
      return {
        type: 'joined',
        cluster: readCluster(cluster),
        orchestrator: orchestrator === undefined ? null : readPeerId(orchestrator, 'orchestrator'),
        members: list(members, 'members', PEERS_MAX).map(readMember)
      }
    }
    case 'left':
      return { type: 'left', ...optional('wasMember', kind.value.wasMember) }
    case 'outcome':
      return {
        type: 'outcome',
        outcome: readOutcome(required(kind.value.outcome, 'outcome')),
        index: whole(kind.value.index, 'index'),
        term: whole(kind.value.term, 'term')
      }
    case 'invocation':
      return { type: 'invocation', record: kind.value.record === undefined ? null : readRecord(kind.value.record) }
    case 'function':
      return { type: 'function', record: kind.value.record === undefined ? null : readFunction(kind.value.record) }
    case 'log':
      return { type: 'log', line: readLine(kind.value) }
    case 'cancelled':
      return { type: 'cancelled', found: kind.value.found }
    case 'noted':
      return { type: 'noted' }
    case 'reached':
      return { type: 'reached', reached: kind.value.reached }
    case 'readIndex':
      return { type: 'read-index', index: whole(kind.value.index, 'index') }
    case 'observations':
      return { type: 'observations', observations: readObservations(kind.value.observations), more: kind.value.more }
    case 'costs':
      return { type: 'costs', ledger: readLedger(kind.value.ledger) }
    case 'admissions':
      return { type: 'admissions', records: list(kind.value.records, 'records', ADMISSIONS_MAX).map(readAdmission) }
    case 'functionHistory':
      return { type: 'function-history', ...readFunctionHistory(kind.value) }
    case 'summary':
      return { type: 'summary', invocation: readSummary(kind.value.summary) }
    case 'end':
      return { type: 'end' }
    case 'failed':
      return { type: 'failed', error: readRemoteError(kind.value) }
    default:
      return refuse('control: an answer of an unknown type')
  }
}

function readMember({ id, addresses }: PeerAddressMessage): PeerAddress {
  return { id: readPeerId(id, 'member'), addresses: readAddresses(addresses) }
}

function writeLine({ at, peer, function: fn, invocation, stream, text: line }: LogLine) {
  return { at, peer, function: fn, ...optional('invocation', invocation), stream, text: line }
}

function readLine(line: LogLineMessage): LogLine {
  return {
    at: text(line.at, 'at', TEXT_CHARS_MAX),
    peer: readPeerId(line.peer, 'peer'),
    function: text(line.function, 'function', ID_CHARS_MAX),
    ...(line.invocation === undefined ? {} : { invocation: readInvocationId(line.invocation) }),
    stream: oneOf(line.stream, 'stream', LOG_STREAMS),
    text: text(line.text, 'text', LOG_LINE_CHARS_MAX)
  }
}
