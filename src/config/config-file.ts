import { dirname } from 'node:path'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { closest } from '../model/closest.ts'
import { CaresError } from '../model/errors.ts'
import type { Settings } from './setting.ts'

/** One key of a configuration file. */
export interface FileEntry {
  readonly value: unknown
  readonly line: number
  readonly column: number
}

/** A configuration file that was read. */
export interface ConfigFile {
  /** As messages name it: `./cares.yaml`. */
  readonly name: string
  /** Relative paths in it start here. */
  readonly directory: string
  readonly entries: ReadonlyMap<string, FileEntry>
}

/** Nobody writes a larger one by hand. */
const FILE_CHARACTERS_MAX = 1_048_576

/**
 * Reads the text of a file. Throws `invalid`, with `FILE:LINE:COLUMN` and what was perhaps meant, for what is no YAML, no map, or a key that
 * none of the `known` settings has. Keys without a value count as absent.
 */
export function parseConfigFile(text: string, { path, name, known }: { path: string; name: string; known: Settings }): ConfigFile {
  const fail = (offset: number, message: string, hint?: string): never => {
    const { line, col } = lines.linePos(offset)
    throw new CaresError('invalid', `${name}:${line}:${col}: ${message}`, { hint })
  }
  const lines = new LineCounter()
  if (text.length > FILE_CHARACTERS_MAX) throw new CaresError('invalid', `${name}: has more than ${FILE_CHARACTERS_MAX} characters`)
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) return fail(error.pos[0], error.message)
  const entries = new Map<string, FileEntry>()
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) return { name, directory: dirname(path), entries }
  if (!isMap(root)) return fail(root.range?.[0] ?? 0, 'must be a map of settings, such as "http: 127.0.0.1:7070"')

  for (const { key, value } of root.items) {
    const keyAt = isScalar(key) ? (key.range?.[0] ?? 0) : 0
    const word = isScalar(key) ? String(key.value) : ''
    const setting = Object.hasOwn(known, word) ? known[word] : undefined
    if (setting === undefined) return fail(keyAt, `${word}: unknown setting`, suggestion(word, known))
    if (setting.isSecret)
      return fail(keyAt, `${word}: does not belong into a file like this`, `put it into a file of its own and name that: ${word}-file`)
    const parsed: unknown = (value as { toJS(document: unknown): unknown } | null)?.toJS(document) ?? null
    if (parsed === null) continue
    const at = (value as { range?: readonly [number, number, number] }).range?.[0] ?? keyAt
    const { line, col } = lines.linePos(at)
    entries.set(word, { value: parsed, line, column: col })
  }
  return { name, directory: dirname(path), entries }
}

function suggestion(word: string, known: Settings): string | undefined {
  const names = Object.values(known).flatMap(({ name, isSecret }) => (isSecret ? [] : [name]))
  const meant = closest(word, names)
  return meant === undefined ? `the settings are ${names.sort().join(', ')}` : `did you mean ${meant}?`
}
