import type { Payload, TaskRecord } from '../../model/task.ts'

/** What a record takes besides its texts: its fields, its place in the tables, a usage. */
const RECORD_BYTES = 512
const ATTEMPT_BYTES = 160
/** An address, a length and the holders of a large payload, whose bytes are not here. */
const BLOB_BYTES = 512

/** About how much room a task takes in memory and in a snapshot, in bytes. The same on every peer. */
export function taskBytes({ key, caller, spec, input, result, attempts }: TaskRecord): number {
  const names = (key?.length ?? 0) + (caller?.length ?? 0)
  let bytes = RECORD_BYTES + names + spec.name.length + spec.image.length + payloadBytes(input) + payloadBytes(result?.output)
  for (const arg of spec.args) bytes += arg.length
  for (const [name, value] of Object.entries(spec.env)) bytes += name.length + value.length
  for (const { failure } of attempts) bytes += ATTEMPT_BYTES + (failure?.message.length ?? 0) + (failure?.stderr?.length ?? 0)
  return bytes
}

function payloadBytes(payload: Payload | undefined): number {
  return (payload?.inline?.length ?? 0) + (payload?.blob === undefined ? 0 : BLOB_BYTES)
}
