import type { FunctionRecord } from '../model/function.ts'
import type { InvocationId } from '../model/ids.ts'
import type { CallHead } from '../model/invocation.ts'

/**
 * Bytes of header variables a call may bring: Linux allows 128 KiB for one string and, with a small stack, not much more for all. Headers that
 * do not fit are left out; the largest that gateways accept all together (16 KiB) always fit.
 */
const HEADER_ENV_BYTES_MAX = 32 * 1024

/** The environment of every program of a function, whatever the call. */
export function functionEnv(fn: FunctionRecord): Record<string, string> {
  return { ...fn.env, CARES_FUNCTION: fn.name }
}

/**
 * The environment of one `stdio` call: what the head of an HTTP request says, under the names that OpenFaaS' classic watchdog uses, so that
 * programs written for it run unchanged. Of the headers only Content-Type and X-…, since others may hold credentials or break programs; and the
 * trace that the call belongs to, under the names that OpenTelemetry gives it in environments
 * (https://opentelemetry.io/docs/specs/otel/context/env-carriers/).
 */
export function callEnv(fn: FunctionRecord, invocation: InvocationId, head: CallHead): Record<string, string> {
  const env: Record<string, string> = {
    ...functionEnv(fn),
    CARES_INVOCATION: invocation,
    Http_Method: head.method,
    Http_Path: head.path,
    Http_Query: head.query
  }
  if (head.bodyBytes !== undefined) env['Http_ContentLength'] = String(head.bodyBytes)
  let bytesLeft = HEADER_ENV_BYTES_MAX
  for (const [name, value] of head.headers) {
    if ((name === 'traceparent' || name === 'tracestate') && !value.includes('\0')) env[name.toUpperCase()] = value
    if (name !== 'content-type' && !/^x-[\w-]+$/.test(name)) continue
    bytesLeft -= name.length + value.length
    if (bytesLeft < 0 || value.includes('\0')) continue
    const variable = `Http_${name.split('-').map(capitalized).join('_')}`
    env[variable] = env[variable] === undefined ? value : `${env[variable]}, ${value}`
  }
  return env
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1)
}
