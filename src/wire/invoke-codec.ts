import type { MessageInitShape } from '@bufbuild/protobuf'
import type { InvokeDown, InvokeUp } from '../model/invocation.ts'
import {
  readAttempt,
  readHeaders,
  readInvocationId,
  readPeerId,
  readRemoteError,
  readRun,
  writeHeaders,
  writeRemoteError,
  writeRun
} from './call-codec.ts'
import { optional, refuse, required, text, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type InvokeDown as InvokeDownMessage,
  InvokeDownSchema,
  type InvokeUp as InvokeUpMessage,
  InvokeUpSchema
} from './generated/invoke_pb.ts'
import { readStats, writeStats } from './gossip-codec.ts'
import { readReceipt } from './invocation-json.ts'
import { ID_CHARS_MAX, MESSAGE_BYTES_MAX } from './limits.ts'
import { readFunction, readPlacement, writeFunction, writePlacement } from './function-codec.ts'

/** Gateway to placer. The page is `protocols/invoke.md`. */
export const invokeUpCodec = createCodec({
  schema: InvokeUpSchema,
  name: 'invoke',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeUp,
  read: readUp
})

/** Placer to gateway. */
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
            revision: toWhole(message.revision, 'revision'),
            headers: writeHeaders(message.headers),
            inputBytes: toWhole(message.inputBytes, 'inputBytes'),
            round: message.round,
            deadlineMs: toWhole(Math.ceil(message.deadlineMs), 'deadlineMs'),
            ...optional('pinnedTo', message.pinnedTo),
            minIndex: toWhole(message.minIndex, 'minIndex'),
            fallback: message.fallback,
            ...(message.asked === undefined ? {} : { asked: writePlacement(message.asked) })
          }
        }
      }
    case 'done': {
      const { attempt, run, untypical } = message
      return {
        kind: {
          case: 'done',
          value: { attempt, untypical, ...(run === undefined ? {} : { run: writeRun(run) }) }
        }
      }
    }
    case 'refused': {
      const { attempt, error, stats } = message
      return {
        kind: {
          case: 'refused',
          value: { attempt, error: writeRemoteError(error), ...(stats === undefined ? {} : { stats: writeStats(stats) }) }
        }
      }
    }
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
        revision: whole(call.revision, 'revision'),
        headers: readHeaders(call.headers),
        inputBytes: whole(call.inputBytes, 'inputBytes'),
        round: call.round,
        deadlineMs: whole(call.deadlineMs, 'deadlineMs'),
        ...(call.pinnedTo === undefined ? {} : { pinnedTo: readPeerId(call.pinnedTo, 'pinnedTo') }),
        minIndex: whole(call.minIndex, 'minIndex'),
        fallback: call.fallback,
        ...(call.asked === undefined ? {} : { asked: readPlacement(call.asked) })
      }
    }
    case 'done': {
      const { attempt, run, untypical } = kind.value
      return {
        type: 'done',
        attempt: readAttempt(attempt),
        ...(run === undefined ? {} : { run: readRun(run) }),
        untypical
      }
    }
    case 'refused': {
      const { attempt, error, stats } = kind.value
      return {
        type: 'refused',
        attempt: readAttempt(attempt),
        error: readRemoteError(required(error, 'error')),
        ...(stats === undefined ? {} : { stats: readStats(stats) })
      }
    }
    default:
      return refuse('invoke: a message of an unknown type')
  }
}

function writeDown(message: InvokeDown): MessageInitShape<typeof InvokeDownSchema> {
  switch (message.type) {
    case 'queued':
      return { kind: { case: 'queued', value: {} } }
    case 'placed':
      return {
        kind: {
          case: 'placed',
          value: {
            worker: message.worker,
            session: toWhole(message.session, 'session'),
            attempt: message.attempt,
            term: toWhole(message.term, 'term'),
            order: toWhole(message.order, 'order'),
            receipt: JSON.stringify(message.receipt),
            ...(message.function === undefined ? {} : { function: writeFunction(message.function) })
          }
        }
      }
    case 'failed':
      return {
        kind: {
          case: 'failed',
          value: {
            error: writeRemoteError(message.error),
            ...(message.receipt === undefined ? {} : { receipt: JSON.stringify(message.receipt) })
          }
        }
      }
    default:
      return refuse('invoke: a message of an unknown type')
  }
}

function readDown({ kind }: InvokeDownMessage): InvokeDown {
  switch (kind.case) {
    case 'queued':
      return { type: 'queued' }
    case 'placed':
      return {
        type: 'placed',
        worker: readPeerId(kind.value.worker, 'worker'),
        session: whole(kind.value.session, 'session'),
        attempt: readAttempt(kind.value.attempt),
        term: whole(kind.value.term, 'term'),
        order: whole(kind.value.order, 'order'),
        receipt: readReceipt(kind.value.receipt),
        ...(kind.value.function === undefined ? {} : { function: readFunction(kind.value.function) })
      }
    case 'failed':
      return {
        type: 'failed',
        error: readRemoteError(required(kind.value.error, 'error')),
        ...(kind.value.receipt === undefined ? {} : { receipt: readReceipt(kind.value.receipt) })
      }
    default:
      return refuse('invoke: a message of an unknown type')
  }
}
