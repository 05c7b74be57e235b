import { createInterface } from 'node:readline/promises'
import { CaresError } from '../../model/errors.ts'
import type { CommandContext } from './command.ts'

/**
 * Asks before something is lost. `--yes` answers for the user; where nobody can be asked (stdin or stderr is no terminal) it throws
 * `invalid`, because a script that did not say yes did not mean it.
 */
export async function confirm(
  question: string,
  { terminal, output, signal }: Pick<CommandContext<unknown>, 'terminal' | 'output' | 'signal'>
): Promise<boolean> {
  if (output.yes) return true
  if (terminal.stdin.isTTY !== true || terminal.stderr.isTTY !== true) {
    throw new CaresError('invalid', `nobody can be asked: ${question} (stdin is no terminal)`, { hint: 'add --yes' })
  }
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim())
  } finally {
    lines.close()
  }
}
