import type { Command, Outcome } from '../../model/command.ts'
import { assertNever } from '../../model/errors.ts'
import type { FunctionRecord, FunctionSpec } from '../../model/function.ts'
import type { RegistryTables } from '../../model/ports/store.ts'
import { applyTaskChanges } from '../tasks/apply-changes.ts'
import {
  DRAINING_MAX,
  ENV_BYTES_MAX,
  FUNCTIONS_BYTES_MAX,
  FUNCTIONS_MAX,
  PEER_ID_BYTES_MAX,
  TEXT_BYTES_MAX,
  TOMBSTONES_MAX
} from './limits.ts'
import { versionOfCommand } from './command-version.ts'
import { sameSpec } from './same-spec.ts'
import { type Draft, draftOf } from './tables.ts'
import { envBytes, textBytes } from './text-bytes.ts'

type Put = Extract<Command, { type: 'function-put' }>
type Remove = Extract<Command, { type: 'function-remove' }>
type Drain = Extract<Command, { type: 'peer-drain' }>
type SetStrategy = Extract<Command, { type: 'strategy-set' }>
type Refusal = Extract<Outcome, { type: 'refused' }>

/**
 * What a committed command means. The same tables and command give the same result on every peer, today and when the log is replayed; a
 * refused command leaves the very same tables. Costs one copy of each table that changes: for many commands use {@link applyCommands}.
 */
export function applyCommand(tables: RegistryTables, command: Command): { tables: RegistryTables; outcome: Outcome } {
  const draft = draftOf(tables)
  const outcome = applyOnce(draft, command)
  draft.raiseVersion(versionOfCommand(command))
  return { tables: draft.tables, outcome }
}

/**
 * The same for commands in log order, with one outcome each. The result equals applying them one by one, but each table is copied at most
 * once: replaying a log of n commands costs O(n + size of the tables), not their product.
 *
 * @param versionOf of a command; another one only in tests of what becomes of versions
 */
export function applyCommands(
  tables: RegistryTables,
  commands: readonly Command[],
  versionOf: (command: Command) => number = versionOfCommand
): { tables: RegistryTables; outcomes: Outcome[] } {
  const draft = draftOf(tables)
  const outcomes = commands.map(command => applyOnce(draft, command))
  // Refused ones are in the log, too, and must be read by whoever replays it.
  for (const command of commands) draft.raiseVersion(versionOf(command))
  return { tables: draft.tables, outcomes }
}

/**
 * Applies a command, or gives its first outcome again: a gateway that lost its orchestrator proposes anew to the next one, and its first proposal may
 * have been committed by then.
 */
function applyOnce(draft: Draft, command: Command): Outcome {
  if (command.id === undefined || command.type === 'tasks') return apply(draft, command)
  const known = draft.tables.remembered.get(command.id)
  if (known !== undefined) return known.outcome
  const outcome = apply(draft, command)
  draft.remember(command.id, outcome)
  return outcome
}

function apply(draft: Draft, command: Command): Outcome {
  switch (command.type) {
    case 'function-put':
      return put(draft, command)
    case 'function-remove':
      return remove(draft, command)
    case 'peer-drain':
      return drain(draft, command)
    case 'strategy-set':
      return setStrategy(draft, command)
    case 'tasks': {
      const { tables, outcomes } = applyTaskChanges(draft.tasks, command.changes)
      draft.tasks = tables
      return { type: 'tasks-changed', outcomes }
    }
    default:
      return assertNever(command)
  }
}

function put(draft: Draft, { spec, digest, imageBytes, arch, ifRevision, at }: Put): Outcome {
  const existing = draft.tables.functions.get(spec.name)
  // The check comes before "unchanged": who expects another revision has not seen this one, whatever it holds.
  const mismatch = checkRevision(spec.name, existing, ifRevision)
  if (mismatch !== null) return mismatch
  // A record of before architectures were known gets its own with the next upload.
  if (existing !== undefined && existing.digest === digest && existing.arch === arch && sameSpec(existing, spec)) {
    return { type: 'function-unchanged', function: existing }
  }
  const tooLarge = checkSize(spec)
  if (tooLarge !== null) return tooLarge
  if (existing === undefined && draft.tables.functions.size >= FUNCTIONS_MAX) {
    return refused('limit_reached', `the cluster keeps at most ${FUNCTIONS_MAX} functions`)
  }

  const bytes = textBytes(spec) - (existing === undefined ? 0 : textBytes(existing))
  if (bytes > 0 && draft.functionsBytes() + bytes > FUNCTIONS_BYTES_MAX) {
    return refused('limit_reached', `names, images and environments of all functions have at most ${FUNCTIONS_BYTES_MAX} bytes together`)
  }

  const revision = Math.max(existing?.revision ?? 0, draft.tables.removed.get(spec.name) ?? 0) + 1
  const record: FunctionRecord = { ...spec, digest, imageBytes, ...(arch === undefined ? {} : { arch }), revision, updatedAt: at }
  draft.functions().set(spec.name, record)
  draft.grow(bytes)
  // The record carries the revision from here on.
  if (draft.tables.removed.has(spec.name)) draft.removed().delete(spec.name)
  return { type: existing === undefined ? 'function-created' : 'function-updated', function: record }
}

function remove(draft: Draft, { name, ifRevision }: Remove): Outcome {
  const existing = draft.tables.functions.get(name)
  if (existing === undefined) return refused('not_found', `there is no function ${name}`)
  const mismatch = checkRevision(name, existing, ifRevision)
  if (mismatch !== null) return mismatch
  if (draft.tables.removed.size >= TOMBSTONES_MAX) {
    return refused(
      'limit_reached',
      `the cluster remembers at most ${TOMBSTONES_MAX} removed names; uploading a removed name again frees one`
    )
  }
  draft.functions().delete(name)
  draft.grow(-textBytes(existing))
  draft.removed().set(name, existing.revision)
  return { type: 'function-removed', name, revision: existing.revision }
}

function drain(draft: Draft, { peer, draining }: Drain): Outcome {
  const outcome: Outcome = { type: 'drain-set', peer, draining }
  if (draft.tables.draining.has(peer) === draining) return outcome
  if (draining && draft.tables.draining.size >= DRAINING_MAX) {
    return refused('limit_reached', `at most ${DRAINING_MAX} peers can be draining`)
  }
  if (Buffer.byteLength(peer) > PEER_ID_BYTES_MAX) return refused('limit_reached', `a peer id has at most ${PEER_ID_BYTES_MAX} bytes`)
  if (draining) draft.draining().add(peer)
  else draft.draining().delete(peer)
  return outcome
}

function setStrategy(draft: Draft, { strategy }: SetStrategy): Outcome {
  const before = draft.strategy
  // What is the same stays the same object: readers tell by that whether something has changed.
  if (before?.name !== strategy?.name || before?.objective !== strategy?.objective) draft.strategy = strategy ?? undefined
  return { type: 'strategy-agreed', strategy }
}

/** `ifRevision` 0 means: only if there is none. */
function checkRevision(name: string, existing: FunctionRecord | undefined, ifRevision: number | undefined): Refusal | null {
  const revision = existing?.revision ?? 0
  if (ifRevision === undefined || ifRevision === revision) return null
  if (ifRevision === 0) return refused('revision_mismatch', `function ${name} exists already, with revision ${revision}`)
  if (existing === undefined) return refused('revision_mismatch', `there is no function ${name}, so it has no revision ${ifRevision}`)
  return refused('revision_mismatch', `function ${name} has revision ${revision}, not ${ifRevision}`)
}

function checkSize(spec: FunctionSpec): Refusal | null {
  for (const text of [spec.name, spec.image, spec.readyPath ?? '']) {
    if (Buffer.byteLength(text) > TEXT_BYTES_MAX)
      return refused('limit_reached', `a name, image or path has at most ${TEXT_BYTES_MAX} bytes`)
  }
  const bytes = envBytes(spec)
  return bytes > ENV_BYTES_MAX ? refused('limit_reached', `the environment has at most ${ENV_BYTES_MAX} bytes, not ${bytes}`) : null
}

function refused(code: Refusal['code'], message: string): Refusal {
  return { type: 'refused', code, message }
}
