import { CaresError } from '../model/errors.ts'
import { newSecret, parseSecret } from './cluster-id.ts'

/** All that has a say in which secret a peer uses. */
export interface SecretSources {
  /** `--open`: the cluster has none. */
  readonly open: boolean
  /** From `--secret-file` and the cluster ids of `--bootstrap`; null where there is none. */
  readonly given: readonly (string | null)[]
  /** From the data directory. */
  readonly stored: string | null
  /** Whether the data directory belongs to a cluster already: then its secret is the right one. */
  readonly belongs: boolean
  /** Whether this start founds a cluster: that is private unless it is to be open. */
  readonly creates: boolean
}

/**
 * The secret of the cluster, null for an open one. Throws `conflict` when the sources name different ones. What is stored for a cluster is never given up
 * for what is given: by a wrong one the peer would be lost to its own.
 */
export function chooseSecret({ open, given, stored, belongs, creates }: SecretSources): string | null {
  const [first, ...others] = new Set(given.filter(secret => secret !== null))
  if (others.length > 0) throw new CaresError('conflict', 'the given cluster ids and secret file name different secrets')
  if (open && first !== undefined) {
    throw new CaresError('conflict', 'an open cluster has no secret', { hint: 'leave out --open, or the secret' })
  }
  if (first !== undefined) {
    const secret = parseSecret(first)
    if (belongs && stored !== null && secret !== stored) {
      throw new CaresError('conflict', 'the given secret is not the one of the cluster that the data directory belongs to', {
        hint: 'start the peer without a secret: its data directory has the right one; for another cluster, give it another directory with --data'
      })
    }
    return secret
  }
  if (open) return null
  return stored ?? (creates ? newSecret() : null)
}
