import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Outcome } from '../model/command.ts'
import { taskOutcomesSchema } from '../model/persisted-task.ts'
import { ERROR_CHARS_MAX } from '../model/remote-error.ts'
import { oneOf, refuse, text, toWhole, whole } from './check.ts'
import { readStrategy, writeStrategy } from './command-codec.ts'
import { readFunction, readName, writeFunction } from './function-codec.ts'
import type { Outcome as OutcomeMessage, OutcomeSchema } from './generated/registry_pb.ts'
import { readJson } from './json-text.ts'
import { COMMAND_BYTES_MAX, ID_CHARS_MAX } from './limits.ts'

const REFUSALS = ['revision_mismatch', 'not_found', 'limit_reached', 'conflict'] as const

/** The message of an outcome. */
export function writeOutcome(outcome: Outcome): MessageInitShape<typeof OutcomeSchema> {
  switch (outcome.type) {
    case 'function-created':
      return { kind: { case: 'functionCreated', value: writeFunction(outcome.function) } }
    case 'function-updated':
      return { kind: { case: 'functionUpdated', value: writeFunction(outcome.function) } }
    case 'function-unchanged':
      return { kind: { case: 'functionUnchanged', value: writeFunction(outcome.function) } }
    case 'function-removed':
      return { kind: { case: 'functionRemoved', value: { name: outcome.name, revision: toWhole(outcome.revision, 'revision') } } }
    case 'drain-set':
      return { kind: { case: 'drainSet', value: { peer: outcome.peer, draining: outcome.draining } } }
    case 'strategy-agreed':
      return { kind: { case: 'strategyAgreed', value: writeStrategy(outcome.strategy) } }
    case 'tasks-changed':
      return { kind: { case: 'tasksChanged', value: { outcomes: JSON.stringify(outcome.outcomes) } } }
    case 'refused':
      return { kind: { case: 'refused', value: { code: outcome.code, message: outcome.message } } }
    default:
      return refuse('outcome of an unknown type')
  }
}

/** An outcome. Throws `protocol`. */
export function readOutcome({ kind }: OutcomeMessage): Outcome {
  switch (kind.case) {
    case 'functionCreated':
      return { type: 'function-created', function: readFunction(kind.value) }
    case 'functionUpdated':
      return { type: 'function-updated', function: readFunction(kind.value) }
    case 'functionUnchanged':
      return { type: 'function-unchanged', function: readFunction(kind.value) }
    case 'functionRemoved':
      return { type: 'function-removed', name: readName(kind.value.name), revision: whole(kind.value.revision, 'revision') }
    case 'drainSet':
      return {
        type: 'drain-set',
        peer: text(kind.value.peer, 'peer', ID_CHARS_MAX, { empty: false }),
        draining: kind.value.draining
      }
    case 'strategyAgreed':
      return { type: 'strategy-agreed', strategy: readStrategy(kind.value) }
    case 'tasksChanged':
      return {
        type: 'tasks-changed',
        outcomes: readJson('task outcomes', taskOutcomesSchema, kind.value.outcomes, COMMAND_BYTES_MAX)
      }
    case 'refused':
      return {
        type: 'refused',
        code: oneOf(kind.value.code, 'code', REFUSALS),
        message: text(kind.value.message, 'message', ERROR_CHARS_MAX)
      }
    default:
      return refuse('outcome of an unknown type')
  }
}
