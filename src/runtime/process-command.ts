import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, constants, realpath, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { CaresError } from '../model/errors.ts'
import type { Digest } from '../model/ids.ts'

/** Programs up to this size are part of the digest byte by byte: scripts and small tools. Larger ones (interpreters) by path and size. */
const CONTENT_BYTES_MAX = 16 * 2 ** 20

/** A command line that can be started on this machine. */
export interface ResolvedCommand {
  readonly executable: string
  readonly args: readonly string[]
  readonly digest: Digest
  readonly bytes: number
}

/**
 * The words of a command line: split at blanks, except within single or double quotes; a backslash takes the next character as it is, save within
 * single quotes. No shell reads it: `$`, `*`, `|` mean themselves. Throws `invalid` when it is empty or a quote stays open.
 */
export function splitCommand(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at)
    if (char === '\\' && quote !== "'" && at + 1 < line.length) {
      word = (word ?? '') + line.charAt(++at)
    } else if (quote !== '') {
      if (char === quote) quote = ''
      else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote !== '') throw new CaresError('invalid', `a quote is not closed in the command: ${line}`)
  if (word !== undefined) words.push(word)
  if (words.length === 0) throw new CaresError('invalid', 'the command is empty')
  return words
}

/** Finds the program of a command line, as a shell would by PATH. Throws `image_not_found`, or `invalid` for the line itself. */
export async function resolveCommand(line: string, path: string): Promise<ResolvedCommand> {
  const [program = '', ...args] = splitCommand(line)
  const executable = await findExecutable(program, path)
  const { size } = await stat(executable)
  const hash = createHash('sha256').update(JSON.stringify([executable, ...args, size]))
  if (size <= CONTENT_BYTES_MAX) for await (const chunk of createReadStream(executable)) hash.update(chunk as Buffer)
  return { executable, args, digest: `sha256:${hash.digest('hex')}` as Digest, bytes: size }
}

async function findExecutable(program: string, path: string): Promise<string> {
  const candidates = program.includes('/') ? [resolve(program)] : path.split(delimiter).map(folder => join(folder, program))
  for (const candidate of candidates) {
    try {
      const isFile = (await stat(candidate)).isFile()
      await access(candidate, constants.X_OK)
      // The name it was called by is kept (busybox and its like go by it); that the real file is there is what was checked.
      if (isFile && (await realpath(candidate)) !== '') return candidate
    } catch {
      // Not this one.
    }
  }
  throw new CaresError('image_not_found', `no program ${program} on this machine`, {
    hint: 'with --runtime process an image is a command line; install the program, or write its whole path'
  })
}
