import { CaresError } from '../model/errors.ts'
import type { CLIENT_SETTINGS } from './client-settings.ts'
import type { PEER_SETTINGS } from './peer-settings.ts'
import type { ConfigSources, Resolved } from './sources.ts'

/** A shorter secret could be guessed by trying all. */
const SECRET_CHARACTERS_MIN = 16
const SECRET_CHARACTERS_MAX = 256

/** The token of each request is compared with all of them. */
const TOKENS_MAX = 64

/** The cluster's secret, from a file or a variable, whichever is the stronger source; null when there is neither. */
export function secretOf({ values, rank, from }: Resolved<typeof PEER_SETTINGS>, sources: ConfigSources): string | null {
  const path = values['secret-file']
  if (path !== null && values.secret !== null && rank('secret') === rank('secret-file'))
    throw contradiction(from('secret'), from('secret-file'))
  const useFile = path !== null && rank('secret-file') < rank('secret')
  const secret = useFile ? readSecretFile('secret', path, sources).trim() : values.secret
  if (secret !== null) checkSecret(secret, useFile ? path : from('secret'))
  return secret
}

/** Throws `invalid` when a cluster is to be open and yet has a secret, or is given two different secrets. */
export function checkSecrets({ values, rank, from }: Resolved<typeof PEER_SETTINGS>, secret: string | null): void {
  const source = rank('secret-file') < rank('secret') ? from('secret-file') : from('secret')
  if (values.open && secret !== null) throw contradiction(from('open'), source)
  for (const id of values.bootstrap) {
    const at = id.indexOf('#')
    if (at === -1) continue
    if (values.open) throw contradiction(from('open'), `the secret in ${from('bootstrap')}`)
    if (secret !== null && secret !== id.slice(at + 1)) throw contradiction(source, `another secret in ${from('bootstrap')}`)
  }
}

/** The token of a client, from a file (its first) or a variable, whichever is the stronger source; null when there is neither. */
export function tokenOf({ values, rank, from }: Resolved<typeof CLIENT_SETTINGS>, sources: ConfigSources): string | null {
  const path = values['token-file']
  if (path !== null && values.token !== null && rank('token') === rank('token-file')) throw contradiction(from('token'), from('token-file'))
  if (path === null || rank('token') < rank('token-file')) return values.token
  return readTokens(path, sources)[0] ?? null
}

/** The tokens in a file: one a line; empty lines and those that start with `#` are left out. */
export function readTokens(path: string, sources: ConfigSources): readonly string[] {
  const lines = readSecretFile('token', path, sources)
    .split('\n')
    .map(line => line.trim())
  const tokens = lines.filter(line => line !== '' && !line.startsWith('#'))
  // No token would mean that none is needed.
  if (tokens.length === 0) throw new CaresError('invalid', `${path}: there is no token in it`, { hint: 'write one a line' })
  if (tokens.length > TOKENS_MAX) throw new CaresError('invalid', `${path}: has ${tokens.length} tokens, at most ${TOKENS_MAX} are taken`)
  const wrong = tokens.findIndex(token => !/^[\x21-\x7e]{8,512}$/.test(token))
  if (wrong !== -1)
    throw new CaresError('invalid', `${path}: token ${wrong + 1}: a token has 8 to 512 printable ASCII characters, without spaces`)
  return tokens
}

/** What alerts are signed with; null: they are not signed. */
export function alertSecretOf({ values }: Resolved<typeof PEER_SETTINGS>, sources: ConfigSources): string | null {
  const path = values['alert-secret-file']
  if (path === null) return null
  if (values['alert-webhook'] === null)
    throw new CaresError('invalid', 'a secret for alerts signs nothing without a webhook', { hint: 'name one with --alert-webhook URL' })
  const secret = readSecretFile('secret', path, sources).trim()
  checkSecret(secret, path)
  return secret
}

/** The error for two settings of which only one can be. */
export function contradiction(one: string, other: string): CaresError {
  return new CaresError('invalid', `${one} and ${other} contradict each other`, { hint: 'give one of them' })
}

function checkSecret(secret: string, where: string): void {
  const isSound = /^[\x21-\x7e]+$/.test(secret) && secret.length >= SECRET_CHARACTERS_MIN && secret.length <= SECRET_CHARACTERS_MAX
  if (isSound) return
  throw new CaresError(
    'invalid',
    `${where}: a secret has ${SECRET_CHARACTERS_MIN} to ${SECRET_CHARACTERS_MAX} printable ASCII characters, without spaces`,
    { hint: 'make one with: openssl rand -hex 32' }
  )
}

function readSecretFile(what: string, path: string, { readFile }: ConfigSources): string {
  try {
    return readFile(path)
  } catch (cause) {
    throw new CaresError('invalid', `cannot read the ${what} file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause
    })
  }
}
