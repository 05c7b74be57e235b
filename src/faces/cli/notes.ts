import { formatDurationMs } from '../../model/units.ts'

/**
 * What writes remarks to people, a line each, unless they want quiet: first `warnings`, of the settings of every command, and each of them only once. A
 * command that reads the settings of a peer, too, finds them there again.
 */
export function createNote(
  stderr: { readonly write: (text: string) => unknown },
  { quiet, warnings }: { quiet: boolean; warnings: readonly string[] }
): (line: string) => void {
  const told = new Set<string>()
  const note = (line: string): void => {
    if (!quiet && !told.has(line)) stderr.write(`${line}\n`)
  }
  for (const warning of warnings.map(text => `cares: ${text}`)) {
    note(warning)
    told.add(warning)
  }
  return note
}

/** Tells of the first answer that may be old, how old it is: a command that asks again and again says so once. */
export function onceStale(note: (line: string) => void): (staleMs: number) => void {
  let isTold = false
  return staleMs => {
    if (!isTold) note(`cares: ${staleText(staleMs)}`)
    isTold = true
  }
}

/** How old something is that a peer told which hears no orchestrator. */
export function staleText(staleMs: number): string {
  return `as of ${formatDurationMs(staleMs)} ago: no orchestrator answers`
}
