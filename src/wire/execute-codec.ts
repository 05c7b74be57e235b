import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ExecuteDown, ExecuteUp, Order } from '../model/invocation.ts'
import { PLACEMENT_KINDS } from '../model/placement.ts'
import {
  readAnswer,
  readAttempt,
  readCallHead,
  readChunk,
  readInvocationId,
  readPeerId,
  readRemoteError,
  readRun,
  writeAnswer,
  writeCallHead,
  writeRun
} from './call-codec.ts'
import { oneOf, optional, refuse, required, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type ExecuteDown as ExecuteDownMessage,
  ExecuteDownSchema,
  type ExecuteUp as ExecuteUpMessage,
  ExecuteUpSchema,
  type Order as OrderMessage,
  type OrderSchema
} from './generated/execute_pb.ts'
import { readStats, writeStats } from './gossip-codec.ts'
import { MESSAGE_BYTES_MAX } from './limits.ts'
import { readFunction, writeFunction } from './function-codec.ts'

/** Gateway to worker. The page is `protocols/execute.md`. */
export const executeUpCodec = createCodec({
  schema: ExecuteUpSchema,
  name: 'execute',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeUp,
  read: readUp
})

/** Worker to gateway. */
export const executeDownCodec = createCodec({
  schema: ExecuteDownSchema,
  name: 'execute',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeDown,
  read: readDown
})

function writeUp(message: ExecuteUp): MessageInitShape<typeof ExecuteUpSchema> {
  switch (message.type) {
    case 'order':
      return { kind: { case: 'order', value: writeOrder(message.order) } }
    case 'attach':
      return {
        kind: {
          case: 'attach',
          value: {
            invocation: message.invocation,
            round: message.round,
            session: toWhole(message.session, 'session'),
            offset: toWhole(message.offset, 'offset')
          }
        }
      }
    case 'body':
      return { kind: { case: 'body', value: message.chunk } }
    case 'end':
      return { kind: { case: 'end', value: {} } }
    default:
      return refuse('execute: a message of an unknown type')
  }
}

function readUp({ kind }: ExecuteUpMessage): ExecuteUp {
  switch (kind.case) {
    case 'order':
      return { type: 'order', order: readOrder(kind.value) }
    case 'attach':
      return {
        type: 'attach',
        invocation: readInvocationId(kind.value.invocation),
        round: kind.value.round,
        session: whole(kind.value.session, 'session'),
        offset: whole(kind.value.offset, 'offset')
      }
    case 'body':
      return { type: 'body', chunk: readChunk(kind.value) }
    case 'end':
      return { type: 'end' }
    default:
      return refuse('execute: a message of an unknown type')
  }
}

function writeDown(message: ExecuteDown): MessageInitShape<typeof ExecuteDownSchema> {
  switch (message.type) {
    case 'accepted':
      return { kind: { case: 'accepted', value: {} } }
    case 'unknown':
      return { kind: { case: 'unknown', value: { session: toWhole(message.session, 'session') } } }
    case 'failed':
      return {
        kind: writeAnswer(message),
        ...(message.stats === undefined ? {} : { stats: writeStats(message.stats) }),
        ...(message.run === undefined ? {} : { run: writeRun(message.run) })
      }
    default:
      return { kind: writeAnswer(message) }
  }
}

function readDown({ kind, stats, run }: ExecuteDownMessage): ExecuteDown {
  switch (kind.case) {
    case 'accepted':
      return { type: 'accepted' }
    case 'unknown':
      return { type: 'unknown', session: whole(kind.value.session, 'session') }
    case undefined:
      return refuse('execute: a message of an unknown type')
    case 'failed':
      return {
        type: 'failed',
        error: readRemoteError(kind.value),
        ...(stats === undefined ? {} : { stats: readStats(stats) }),
        ...(run === undefined ? {} : { run: readRun(run) })
      }
    default:
      return readAnswer(kind)
  }
}

function writeOrder(order: Order): MessageInitShape<typeof OrderSchema> {
  return {
    invocation: order.invocation,
    attempt: order.attempt,
    placement: order.placement,
    term: toWhole(order.term, 'term'),
    session: toWhole(order.session, 'session'),
    placer: order.placer,
    order: toWhole(order.order, 'order'),
    function: writeFunction(order.function),
    head: writeCallHead(order.head),
    deadlineMs: toWhole(Math.ceil(order.deadlineMs), 'deadlineMs'),
    ...optional('body', order.body)
  }
}

function readOrder(message: OrderMessage): Order {
  return {
    invocation: readInvocationId(message.invocation),
    attempt: readAttempt(message.attempt),
    placement: oneOf(message.placement, 'placement', PLACEMENT_KINDS),
    term: whole(message.term, 'term'),
    session: whole(message.session, 'session'),
    placer: readPeerId(message.placer, 'placer'),
    order: whole(message.order, 'order'),
    function: readFunction(required(message.function, 'function')),
    head: readCallHead(required(message.head, 'head')),
    deadlineMs: whole(message.deadlineMs, 'deadlineMs'),
    ...(message.body === undefined ? {} : { body: readChunk(message.body) })
  }
}
