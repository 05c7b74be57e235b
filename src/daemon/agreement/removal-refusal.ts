import { CaresError } from '../../model/errors.ts'
import type { PeerView } from '../../model/peer.ts'

/** Why another peer may not be removed by its operator now; null when it may. `view` is undefined for a member that nobody has heard. */
export function removalRefusal({
  isSelf,
  force,
  view,
  name
}: {
  isSelf: boolean
  force: boolean
  view: PeerView | undefined
  name: string
}): CaresError | null {
  const leaveThere = `have it leave by itself: cares leave --api http://${view?.profile.api.replace(/^https?:\/\//, '') ?? 'HOST:PORT'}`
  if (isSelf) return new CaresError('conflict', `${name} is the orchestrator, so it runs`, { hint: leaveThere })
  if (force || view === undefined || view.state === 'gone') return null
  if (view.state === 'suspect') {
    return new CaresError('conflict', `${name} has been silent for ${Math.round(view.ageMs / 1_000)} s only, it may come back`, {
      retryable: true,
      hint: 'try again in some seconds; if it is gone for good: add --force'
    })
  }
  return new CaresError('conflict', `${name} is alive`, {
    hint: `${leaveThere}; or stop its process first. It comes back by itself if it is removed and runs on`
  })
}

/** Nobody can be removed, as nothing can be agreed. */
export function noQuorum(): CaresError {
  return new CaresError('no_quorum', 'a majority of the voters is not reachable, so nothing can be agreed', {
    retryable: true,
    hint: 'see which voters are gone: cares status; if they are gone for good: cares recover --force',
    details: { retryAfterMs: 1_000 }
  })
}
