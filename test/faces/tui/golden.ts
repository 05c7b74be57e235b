import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** Compares a screen with `test/golden/tui/NAME.txt`; `UPDATE_GOLDEN=1` writes it instead, and the diff is for a reviewer. */
export function assertGolden(name: string, text: string): void {
  const file = new URL(`../../golden/tui/${name}.txt`, import.meta.url)
  if (process.env['UPDATE_GOLDEN'] === '1') return writeFileSync(file, text)
  assert.ok(existsSync(file), `${name}.txt does not exist; UPDATE_GOLDEN=1 writes it`)
  assert.equal(text, readFileSync(file, 'utf8'))
}
