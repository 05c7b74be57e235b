import type { KeyHint } from './frame.ts'
import type { Key } from './keys.ts'
import type { TuiState } from './state.ts'

/** Letters that lead to a change, wherever they mean something: upload, invoke, drain, run anew, cancel or remove. */
const CHANGES: ReadonlySet<string> = new Set(['u', 'i', 'd', 'n', 'x'])

/** The keys without those that the user does not want to have: with `--read-only`, what changes something. */
export function offered<Hint extends KeyHint>({ settings }: Pick<TuiState, 'settings'>, keys: readonly Hint[]): readonly Hint[] {
  return settings.readOnly ? keys.filter(([key]) => !CHANGES.has(key)) : keys
}

/** Whether a key is one that must not do anything. */
export function isRefused({ settings }: Pick<TuiState, 'settings'>, { name, text, ctrl }: Key): boolean {
  return settings.readOnly && name === 'char' && !ctrl && CHANGES.has(text)
}
