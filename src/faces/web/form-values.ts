import { CaresError } from '../../model/errors.ts'

/** What a field says, under its key; nothing where it was left empty. */
export function optional<Key extends string, Value>(key: Key, text: string, read: (text: string) => Value): Partial<Record<Key, Value>> {
  return text.trim() === '' ? {} : ({ [key]: read(text.trim()) } as Record<Key, Value>)
}

/** Throws `invalid` for what is no number; whether it is a good one, the API says. */
export function parseNumber(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new CaresError('invalid', `not a number: ${text}`)
  return value
}

/** Variables from lines of `NAME=value`. Throws `invalid` with the line that is none. */
export function parseVariables(text: string): Record<string, string> {
  const entries = text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const at = line.indexOf('=')
      if (at < 1) throw new CaresError('invalid', `not a variable: ${line}`, { hint: 'write one NAME=value a line' })
      return [line.slice(0, at).trim(), line.slice(at + 1)] as const
    })
  return Object.fromEntries(entries)
}

/** The opposite of {@link parseVariables}. */
export function variableLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')
}
