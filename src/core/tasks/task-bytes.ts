import type { Payload, TaskAttempt, TaskRecord } from '../../model/task.ts'
import { isOver } from '../../model/task.ts'
import { OPEN_RESERVE_BYTES } from './limits.ts'

/*
 * Names of fields, quotes and the longest numbers there are, of what each constant stands for: never less than JSON takes.
 */
const RECORD_BYTES = 512
const ATTEMPT_BYTES = 192
/** Beside them, of the attempt of a service that has become healthy. */
const HEALTH_BYTES = 32
const RESULT_BYTES = 64
const PAYLOAD_BYTES = 128
/** Quotes, a colon and a comma. */
const ITEM_BYTES = 8

/** Printable ASCII that JSON leaves as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/**
 * How much room a task takes, in bytes: never less than its JSON in a snapshot, and about what it takes in memory. The same on every peer. One that is not
 * over takes at least {@link OPEN_RESERVE_BYTES} more than what was submitted, for how it ends.
 */
export function taskBytes(task: TaskRecord): number {
  const { id, key, caller, fingerprint, spec, input, gateway, submittedAt, finishedAt, result, attempts } = task
  let bytes = RECORD_BYTES + payloadBytes(input)
  for (const text of [id, key, caller, fingerprint, gateway, submittedAt]) bytes += jsonBytes(text)
  for (const text of [spec.name, spec.image, spec.digest, spec.arch, spec.function, ...spec.args]) bytes += jsonBytes(text) + ITEM_BYTES
  for (const [name, value] of Object.entries(spec.env)) bytes += jsonBytes(name) + jsonBytes(value) + ITEM_BYTES
  if (spec.placement !== undefined) bytes += Buffer.byteLength(JSON.stringify(spec.placement))
  if (spec.service !== undefined) bytes += Buffer.byteLength(JSON.stringify(spec.service)) + ITEM_BYTES
  let history = jsonBytes(finishedAt)
  for (const attempt of attempts) history += attemptBytes(attempt)
  if (result !== undefined) history += RESULT_BYTES + JSON.stringify(result.usage).length + payloadBytes(result.output)
  return bytes + (isOver(task) ? history : Math.max(history, OPEN_RESERVE_BYTES))
}

function attemptBytes({ worker, session, at, endedAt, failure, health, healthAt }: TaskAttempt): number {
  let bytes = ATTEMPT_BYTES + (health === undefined ? 0 : HEALTH_BYTES)
  for (const text of [worker, session, at, endedAt, failure?.code, failure?.message, failure?.stderr, health, healthAt])
    bytes += jsonBytes(text)
  return bytes
}

function payloadBytes(payload: Payload | undefined): number {
  if (payload === undefined) return 0
  const { inline, blob } = payload
  let bytes = PAYLOAD_BYTES + (inline === undefined || isBase64(inline, payload.bytes) ? (inline?.length ?? 0) : jsonBytes(inline))
  if (blob !== undefined) for (const text of [blob.digest, ...blob.holders]) bytes += jsonBytes(text) + ITEM_BYTES
  return bytes
}

/** How long a text is in JSON, without its quotes. */
export function jsonBytes(text: string | undefined): number {
  if (text === undefined) return 0
  return PLAIN.test(text) ? text.length : Buffer.byteLength(JSON.stringify(text)) - 2
}

/** Whether a text is so many bytes in base 64, and so plain: ten times as fast as a look at each character. */
function isBase64(text: string, bytes: number): boolean {
  // What is not of the alphabet is left out, and the bytes are fewer.
  return text.length === 4 * Math.ceil(bytes / 3) && Buffer.from(text, 'base64').length === bytes
}
