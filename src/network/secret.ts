import { CaresError } from '../model/errors.ts'
import { newSecret, parseSecret } from './cluster-id.ts'

export interface SecretSources {
  /** `--open`: the cluster has none. */
  readonly open: boolean
  /** From `--secret-file` and the cluster ids of `--bootstrap`; null where there is none. */
  readonly given: readonly (string | null)[]
  /** From the data directory. */
  readonly stored: string | null
  /** Whether this start founds a cluster: that is private unless it is to be open. */
  readonly creates: boolean
}

/** The secret of the cluster, null for an open one. Throws `conflict` when the sources name different ones. */
export function chooseSecret({ open, given, stored, creates }: SecretSources): string | null {
  const [first, ...others] = new Set(given.filter(secret => secret !== null))
  if (others.length > 0) throw new CaresError('conflict', 'the given cluster ids and secret file name different secrets')
  if (open && first !== undefined) {
    throw new CaresError('conflict', 'an open cluster has no secret', { hint: 'leave out --open, or the secret' })
  }
  if (first !== undefined) return parseSecret(first)
  if (open) return null
  return stored ?? (creates ? newSecret() : null)
}
