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
