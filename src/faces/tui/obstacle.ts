/** What a peer that starts says holds it up. */
export interface Obstacle {
  readonly reason: string
  readonly hint: string | undefined
  /** How often it has said so. */
  readonly times: number
}

/** The newest obstacle that the lines of a peer's log (as `log.ts` writes them for people) tell of, and how often in a row. */
export function obstacleOf(lines: readonly string[]): Obstacle | undefined {
  const told = lines.map(line => field(line, 'reason'))
  const at = told.findLastIndex(reason => reason !== undefined)
  const reason = told[at]
  if (reason === undefined) return undefined
  return { reason, hint: field(lines[at] ?? '', 'hint'), times: told.filter(each => each === reason).length }
}

/** The value of a field; quoted ones are JSON. */
function field(line: string, name: string): string | undefined {
  const [, quoted, word] = new RegExp(` ${name}=(?:("(?:[^"\\\\]|\\\\.)*")|(\\S+))`).exec(line) ?? []
  return quoted === undefined ? word : (JSON.parse(quoted) as string)
}
