import { createHash } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CaresError } from '../../model/errors.ts'
import { makeDirectory } from '../make-directory.ts'

/** One token of a file that a peer reads. */
export interface NamedToken {
  /** Whose it is: the comment in the line before it; empty without one. */
  readonly name: string
  readonly token: string
}

/** The tokens of a file: one a line, each named by the comment right before it. Names are of this program; peers pass over comments. */
export function parseTokens(text: string): readonly NamedToken[] {
  const tokens: NamedToken[] = []
  let name = ''
  for (const line of text.split('\n').map(each => each.trim())) {
    if (line.startsWith('#')) name = line.slice(1).trim()
    else {
      if (line !== '') tokens.push({ name, token: line })
      name = ''
    }
  }
  return tokens
}

/** The text that {@link parseTokens} reads. */
function formatTokens(tokens: readonly NamedToken[]): string {
  return tokens.map(({ name, token }) => `${name === '' ? '' : `# ${name}\n`}${token}\n`).join('')
}

/** Tells tokens apart without telling what they are: the beginning of a hash. */
export function fingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, FINGERPRINT_CHARACTERS)
}

/** Enough for the few dozen that a peer takes. */
const FINGERPRINT_CHARACTERS = 12

/** The text of a token file; empty where there is none. Throws `invalid` for one that cannot be read. */
export async function readTokenFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new CaresError('invalid', `cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Writes a token file that only its owner may read. Throws `invalid` where that cannot be. */
export async function writeTokenFile(path: string, tokens: readonly NamedToken[]): Promise<void> {
  try {
    makeDirectory(dirname(path))
    await writeFile(path, formatTokens(tokens), { mode: 0o600 })
    // A file that was there keeps the mode it had.
    await chmod(path, 0o600)
  } catch (cause) {
    throw new CaresError('invalid', `cannot write ${path}: ${(cause as Error).message}`, { cause })
  }
}
