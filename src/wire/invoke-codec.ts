import type { MessageInitShape } from '@bufbuild/protobuf'
import type { InvokeDown, InvokeUp } from '../model/invocation.ts'
import { readAnswer, readAttempt, readCallHead, readChunk, readInvocationId, readPeerId, writeAnswer, writeCallHead } from './call-codec.ts'
import { optional, refuse, required, text, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type InvokeDown as InvokeDownMessage,
  InvokeDownSchema,
  type InvokeUp as InvokeUpMessage,
  InvokeUpSchema
} from './generated/invoke_pb.ts'
import { readReceipt, writeReceipt } from './json.ts'
import { ID_CHARS_MAX, MESSAGE_BYTES_MAX } from './limits.ts'

/** Gateway to orchestrator. The page is `protocols/invoke.md`. */
export const invokeUpCodec = createCodec({
  schema: InvokeUpSchema,
  name: 'invoke',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeUp,
  read: readUp
})

/** Orchestrator to gateway. */
export const invokeDownCodec = createCodec({
  schema: InvokeDownSchema,
  name: 'invoke',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeDown,
  read: readDown,
  // A receipt was made by the program itself a moment ago, and reading it takes longer than all the rest.
  check: message => void (message.kind.case === 'placed' || readDown(message))
})

function writeUp(message: InvokeUp): MessageInitShape<typeof InvokeUpSchema> {
  switch (message.type) {
    case 'call':
      return {
        kind: {
          case: 'call',
          value: {
            invocation: message.invocation,
            function: message.function,
            head: writeCallHead(message.head),
            round: message.round,
            deadlineMs: toWhole(Math.ceil(message.deadlineMs), 'deadlineMs'),
            ...optional('pinnedTo', message.pinnedTo),
            minIndex: toWhole(message.minIndex, 'minIndex'),
            fallback: message.fallback,
            ...optional('body', message.body)
          }
        }
      }
    case 'body':
      return { kind: { case: 'body', value: message.chunk } }
    case 'end':
      return { kind: { case: 'end', value: {} } }
    case 'placed-ack':
      return { kind: { case: 'placedAck', value: message.attempt } }
    default:
      return refuse('invoke: a message of an unknown type')
  }
}

function readUp({ kind }: InvokeUpMessage): InvokeUp {
  switch (kind.case) {
    case 'call': {
      const call = kind.value
      return {
        type: 'call',
        invocation: readInvocationId(call.invocation),
        function: text(call.function, 'function', ID_CHARS_MAX, { empty: false }),
        head: readCallHead(required(call.head, 'head')),
        round: call.round,
        deadlineMs: whole(call.deadlineMs, 'deadlineMs'),
        ...(call.pinnedTo === undefined ? {} : { pinnedTo: readPeerId(call.pinnedTo, 'pinnedTo') }),
        minIndex: whole(call.minIndex, 'minIndex'),
        fallback: call.fallback,
        ...(call.body === undefined ? {} : { body: readChunk(call.body) })
      }
    }
    case 'body':
      return { type: 'body', chunk: readChunk(kind.value) }
    case 'end':
      return { type: 'end' }
    case 'placedAck':
      return { type: 'placed-ack', attempt: readAttempt(kind.value) }
    default:
      return refuse('invoke: a message of an unknown type')
  }
}

function writeDown(message: InvokeDown): MessageInitShape<typeof InvokeDownSchema> {
  switch (message.type) {
    case 'queued':
      return { kind: { case: 'queued', value: {} } }
    case 'accepted':
      return { kind: { case: 'accepted', value: {} } }
    case 'placed':
      return {
        kind: {
          case: 'placed',
          value: {
            worker: message.worker,
            session: toWhole(message.session, 'session'),
            attempt: message.attempt,
            term: toWhole(message.term, 'term'),
            receipt: writeReceipt(message.receipt)
          }
        }
      }
    default:
      return { kind: writeAnswer(message) }
  }
}

function readDown({ kind }: InvokeDownMessage): InvokeDown {
  switch (kind.case) {
    case 'queued':
      return { type: 'queued' }
    case 'accepted':
      return { type: 'accepted' }
    case 'placed':
      return {
        type: 'placed',
        worker: readPeerId(kind.value.worker, 'worker'),
        session: whole(kind.value.session, 'session'),
        attempt: readAttempt(kind.value.attempt),
        term: whole(kind.value.term, 'term'),
        receipt: readReceipt(kind.value.receipt)
      }
    case undefined:
      return refuse('invoke: a message of an unknown type')
    default:
      return readAnswer(kind)
  }
}
