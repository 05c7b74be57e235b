import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CaresError } from '../../model/errors.ts'
import type { Terminal } from './command.ts'

/** The body of a call, and what is known of it. */
export interface CallBody {
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Absent: no body. */
  readonly stream: string | AsyncIterable<Uint8Array> | undefined
}

/**
 * What `-d` means: text as it is, `@FILE`, or `-` (also `@-`) for stdin. Without it stdin is sent if something is piped into it, and nothing if it is a
 * terminal or closed, or if the method is one that has no body. Throws `invalid` for a file that cannot be read.
 */
export async function readCallBody(
  data: string | undefined,
  { stdin, method }: { stdin: Terminal['stdin']; method: string | undefined }
): Promise<CallBody> {
  if (data === '-' || data === '@-') return { headers: [UNKNOWN_TYPE], stream: stdin }
  if (data === undefined) {
    const sendsStdin = stdin.piped && method?.toUpperCase() !== 'GET' && method?.toUpperCase() !== 'HEAD'
    return sendsStdin ? { headers: [UNKNOWN_TYPE], stream: stdin } : { headers: [], stream: undefined }
  }
  if (!data.startsWith('@')) return { headers: [['content-type', isJson(data) ? 'application/json' : 'text/plain']], stream: data }
  const file = data.slice(1)
  const found = await stat(file).catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (cause as Error).message
    throw new CaresError('invalid', `cannot read ${file}: ${reason}`, { cause })
  })
  if (found.isDirectory()) throw new CaresError('invalid', `cannot read ${file}: it is a folder`)
  // A pipe or a device has no length that could be told ahead.
  const length = found.isFile() ? [['content-length', String(found.size)] as const] : []
  return { headers: [UNKNOWN_TYPE, ...length], stream: createReadStream(file) }
}

const UNKNOWN_TYPE = ['content-type', 'application/octet-stream'] as const

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
