import { CaresError } from '../model/errors.ts'
import { ERROR_CHARS_MAX } from '../model/remote-error.ts'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Command, Outcome } from '../model/command.ts'
import {
  CONSTRAINTS_MAX,
  CONTRACTS,
  type FunctionRecord,
  type FunctionSpec,
  NETWORK_POLICIES,
  type PlacementPolicy
} from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import { type AgreedStrategy, OBJECTIVES, STRATEGY_NAMES } from '../model/placement.ts'
import { readTaskChanges, taskOutcomesSchema } from '../model/persisted-task.ts'
import { allKnown, amount, list, oneOf, optional, refuse, required, text, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type Command as CommandMessage,
  CommandSchema,
  type FunctionRecord as FunctionRecordMessage,
  type FunctionRecordSchema,
  type FunctionSpec as FunctionSpecMessage,
  type FunctionSpecSchema,
  type Outcome as OutcomeMessage,
  type OutcomeSchema,
  type PlacementPolicy as PlacementPolicyMessage,
  type PlacementPolicySchema,
  type StrategyAgreed as StrategyAgreedMessage,
  type StrategySet as StrategySetMessage
} from './generated/registry_pb.ts'
import { COMMAND_BYTES_MAX, ID_CHARS_MAX, PATH_CHARS_MAX, TEXT_CHARS_MAX } from './limits.ts'
import { readJson, readJsonWith } from './json-text.ts'
import { readPairs, writePairs } from './pairs.ts'

const REFUSALS = ['revision_mismatch', 'not_found', 'limit_reached', 'conflict'] as const
const PORT_MAX = 65_535

/** Commands as the log keeps them and as `propose` carries them. */
export const commandCodec = createCodec({
  schema: CommandSchema,
  name: 'command',
  bytesMax: COMMAND_BYTES_MAX,
  write: writeCommand,
  read: readCommand,
  keepsUnknown: true
})

/** The bytes of a command for the log. Throws `too_large` or `invalid`. */
export function encodeCommand(command: Command): Uint8Array {
  return commandCodec.encode(command)
}

/**
 * The command of a log entry. Throws `incompatible` for one that cannot be read in full: what was appended by this version can be, and a part that was
 * left out would make other tables here than elsewhere.
 */
export function decodeCommand(bytes: Uint8Array): Command {
  try {
    return commandCodec.decode(bytes)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CaresError('incompatible', `the cluster has agreed on a command that this version of CARES cannot read: ${why}`, {
      hint: 'upgrade this peer to the newest version that a peer of its cluster runs, and start it again',
      cause
    })
  }
}

/** The message of a function record. */
export function writeFunction(record: FunctionRecord): MessageInitShape<typeof FunctionRecordSchema> {
  return {
    spec: writeSpec(record),
    digest: record.digest,
    imageBytes: toWhole(record.imageBytes, 'imageBytes'),
    ...optional('arch', record.arch),
    revision: toWhole(record.revision, 'revision'),
    updatedAt: record.updatedAt
  }
}

/** A function record. Throws `protocol`. */
export function readFunction(message: FunctionRecordMessage): FunctionRecord {
  return {
    ...readSpec(required(message.spec, 'spec')),
    digest: readDigest(message.digest),
    imageBytes: whole(message.imageBytes, 'imageBytes'),
    ...readArch(message),
    revision: whole(message.revision, 'revision'),
    updatedAt: text(message.updatedAt, 'updatedAt', TEXT_CHARS_MAX)
  }
}

/** A content address: not empty and not too long. Throws `protocol`. */
export function readDigest(value: string): Digest {
  return text(value, 'digest', TEXT_CHARS_MAX, { empty: false }) as Digest
}

function readArch({ arch }: { readonly arch?: string | undefined }): Pick<FunctionRecord, 'arch'> {
  return arch === undefined ? {} : { arch: text(arch, 'arch', ID_CHARS_MAX, { empty: false }) }
}

/** The message of a command. */
export function writeCommand(command: Command): MessageInitShape<typeof CommandSchema> {
  return { ...writeKind(command), id: command.id ?? '' }
}

function writeKind(command: Command): MessageInitShape<typeof CommandSchema> {
  switch (command.type) {
    case 'function-put':
      return {
        kind: {
          case: 'functionPut',
          value: {
            spec: writeSpec(command.spec),
            digest: command.digest,
            imageBytes: toWhole(command.imageBytes, 'imageBytes'),
            ...optional('arch', command.arch),
            ...writeIfRevision(command.ifRevision),
            at: command.at
          }
        }
      }
    case 'function-remove':
      return {
        kind: { case: 'functionRemove', value: { name: command.name, ...writeIfRevision(command.ifRevision), at: command.at } }
      }
    case 'peer-drain':
      return { kind: { case: 'peerDrain', value: { peer: command.peer, draining: command.draining, at: command.at } } }
    case 'strategy-set':
      return { kind: { case: 'strategySet', value: { ...writeStrategy(command.strategy), at: command.at } } }
    case 'tasks':
      return { kind: { case: 'taskChanges', value: { changes: JSON.stringify(command.changes) } } }
    default:
      return refuse('command of an unknown type')
  }
}

/** A command, of which nothing may be unknown. Throws `protocol`. */
export function readCommand(message: CommandMessage): Command {
  allKnown(message, 'the command')
  return { ...readKind(message), ...(message.id === '' ? {} : { id: text(message.id, 'id', ID_CHARS_MAX) }) }
}

function readKind({ kind }: CommandMessage): Command {
  switch (kind.case) {
    case 'functionPut':
      return {
        type: 'function-put',
        spec: readSpec(required(kind.value.spec, 'spec')),
        digest: readDigest(kind.value.digest),
        imageBytes: whole(kind.value.imageBytes, 'imageBytes'),
        ...readArch(kind.value),
        ...readIfRevision(kind.value.ifRevision),
        at: text(kind.value.at, 'at', TEXT_CHARS_MAX)
      }
    case 'functionRemove':
      return {
        type: 'function-remove',
        name: readName(kind.value.name),
        ...readIfRevision(kind.value.ifRevision),
        at: text(kind.value.at, 'at', TEXT_CHARS_MAX)
      }
    case 'peerDrain':
      return {
        type: 'peer-drain',
        peer: text(kind.value.peer, 'peer', ID_CHARS_MAX, { empty: false }),
        draining: kind.value.draining,
        at: text(kind.value.at, 'at', TEXT_CHARS_MAX)
      }
    case 'strategySet':
      return { type: 'strategy-set', strategy: readStrategy(kind.value), at: text(kind.value.at, 'at', TEXT_CHARS_MAX) }
    case 'taskChanges':
      return { type: 'tasks', changes: readJsonWith('task changes', readTaskChanges, kind.value.changes, COMMAND_BYTES_MAX) }
    default:
      return refuse('command of an unknown type')
  }
}

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

function writeSpec(spec: FunctionSpec): MessageInitShape<typeof FunctionSpecSchema> {
  return {
    name: spec.name,
    image: spec.image,
    contract: spec.contract,
    port: spec.port,
    ...optional('readyPath', spec.readyPath),
    cpus: spec.cpus,
    memoryBytes: toWhole(spec.memoryBytes, 'memoryBytes'),
    timeoutMs: toWhole(spec.timeoutMs, 'timeoutMs'),
    concurrency: spec.concurrency,
    ...optional('gpus', spec.gpus),
    ...(spec.prewarm === 'auto' ? { prewarmAuto: true } : { prewarm: spec.prewarm }),
    idempotent: spec.idempotent,
    env: writePairs(spec.env),
    network: spec.network,
    ...(spec.placement === undefined ? {} : { placement: writePlacement(spec.placement) })
  }
}

function readSpec(message: FunctionSpecMessage): FunctionSpec {
  if (message.port > PORT_MAX) refuse(`port is larger than ${PORT_MAX}`)
  return {
    name: readName(message.name),
    image: text(message.image, 'image', TEXT_CHARS_MAX, { empty: false }),
    contract: oneOf(message.contract, 'contract', CONTRACTS),
    port: message.port,
    ...(message.readyPath === undefined ? {} : { readyPath: text(message.readyPath, 'readyPath', PATH_CHARS_MAX) }),
    cpus: amount(message.cpus, 'cpus'),
    memoryBytes: whole(message.memoryBytes, 'memoryBytes'),
    timeoutMs: whole(message.timeoutMs, 'timeoutMs'),
    concurrency: message.concurrency,
    ...optional('gpus', message.gpus === 0 ? undefined : message.gpus),
    prewarm: message.prewarmAuto ? 'auto' : message.prewarm,
    idempotent: message.idempotent,
    env: readPairs(message.env, 'env'),
    network: oneOf(message.network, 'network', NETWORK_POLICIES),
    ...(message.placement === undefined ? {} : { placement: readPlacement(message.placement) })
  }
}

function writeStrategy(strategy: AgreedStrategy | null): { name?: string; objective?: string } {
  return { ...optional('name', strategy?.name), ...optional('objective', strategy?.objective) }
}

function readStrategy({ name, objective }: StrategySetMessage | StrategyAgreedMessage): AgreedStrategy | null {
  if (name === undefined) return null
  return {
    name: oneOf(name, 'strategy', STRATEGY_NAMES),
    ...(objective === undefined ? {} : { objective: oneOf(objective, 'objective', OBJECTIVES) })
  }
}

/** The message of a placement policy, of a function or of one call. */
export function writePlacement({
  strategy,
  objective,
  maxCostUsd,
  require
}: PlacementPolicy): MessageInitShape<typeof PlacementPolicySchema> {
  return {
    ...optional('strategy', strategy),
    ...optional('objective', objective),
    ...optional('maxCostUsd', maxCostUsd),
    require: [...(require ?? [])]
  }
}

/** A placement policy, of a function or of one call. Throws `protocol`. */
export function readPlacement({ strategy, objective, maxCostUsd, require }: PlacementPolicyMessage): PlacementPolicy {
  return {
    ...(strategy === undefined ? {} : { strategy: oneOf(strategy, 'strategy', STRATEGY_NAMES) }),
    ...(objective === undefined ? {} : { objective: oneOf(objective, 'objective', OBJECTIVES) }),
    ...(maxCostUsd === undefined ? {} : { maxCostUsd: amount(maxCostUsd, 'maxCostUsd') }),
    // None and absent mean the same, and look the same.
    ...(require.length === 0
      ? {}
      : { require: list(require, 'require', CONSTRAINTS_MAX).map(each => text(each, 'require', TEXT_CHARS_MAX)) })
  }
}

function readName(value: string): string {
  return text(value, 'name', ID_CHARS_MAX, { empty: false })
}

function writeIfRevision(ifRevision: number | undefined): { ifRevision?: bigint } {
  return ifRevision === undefined ? {} : { ifRevision: toWhole(ifRevision, 'ifRevision') }
}

function readIfRevision(ifRevision: bigint | undefined): { ifRevision?: number } {
  return ifRevision === undefined ? {} : { ifRevision: whole(ifRevision, 'ifRevision') }
}
