import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Command } from '../model/command.ts'
import { CaresError } from '../model/errors.ts'
import { readTaskChanges } from '../model/persisted-task.ts'
import { type AgreedStrategy, OBJECTIVES, STRATEGY_NAMES } from '../model/placement.ts'
import { allKnown, oneOf, optional, refuse, required, text, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import { readArch, readDigest, readName, readSpec, writeSpec } from './function-codec.ts'
import {
  type Command as CommandMessage,
  CommandSchema,
  type StrategyAgreed as StrategyAgreedMessage,
  type StrategySet as StrategySetMessage
} from './generated/registry_pb.ts'
import { readJsonWith } from './json-text.ts'
import { COMMAND_BYTES_MAX, ID_CHARS_MAX, TEXT_CHARS_MAX } from './limits.ts'

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

/** The parts of a message that say which strategy the cluster has agreed on; none for null. */
export function writeStrategy(strategy: AgreedStrategy | null): { name?: string; objective?: string } {
  return { ...optional('name', strategy?.name), ...optional('objective', strategy?.objective) }
}

/** The strategy that the cluster has agreed on; null: each peer its own. Throws `protocol`. */
export function readStrategy({ name, objective }: StrategySetMessage | StrategyAgreedMessage): AgreedStrategy | null {
  if (name === undefined) return null
  return {
    name: oneOf(name, 'strategy', STRATEGY_NAMES),
    ...(objective === undefined ? {} : { objective: oneOf(objective, 'objective', OBJECTIVES) })
  }
}

function writeIfRevision(ifRevision: number | undefined): { ifRevision?: bigint } {
  return ifRevision === undefined ? {} : { ifRevision: toWhole(ifRevision, 'ifRevision') }
}

function readIfRevision(ifRevision: bigint | undefined): { ifRevision?: number } {
  return ifRevision === undefined ? {} : { ifRevision: whole(ifRevision, 'ifRevision') }
}
