import type { PeerId } from '../../model/ids.ts'
import type { RemoteError } from '../../model/invocation.ts'
import type { Decision } from '../../model/placement.ts'
import { cureOf, cureOfRefusal } from './unplaceable.ts'

/** Workers that are tried for one round before the last refusal is the answer. */
const TRIES_MAX = 3
/** Refusals that are not counted: the worker may have room a moment later, or is of a version that this gateway cannot order from. */
const NOT_COUNTED = new Set<string>(['busy', 'incompatible'])
/**
 * Peers that could have the call and do not answer, or whose engine does not, get so long to come back: a silent worker costs its gateway a second and
 * a half and is left alone for two. One that is not back by then is away for longer than a call should wait.
 */
const RETURN_WAIT_MS = 4_000
/** A worker that was away is asked again after so long, however often there is room elsewhere meanwhile. */
const ASK_AGAIN_MS = 400

/** Who has refused one round of a call, and why: whom to pass over, and whether there is anything to wait for. */
export class Refusals {
  readonly #refusals = new Map<PeerId, { readonly error: RemoteError; readonly atMs: number }>()
  readonly #counted = new Set<PeerId>()
  #last: RemoteError | undefined
  /** Until when this call waits for peers that are away; undefined while it does not. */
  #returnUntilMs: number | undefined

  get excluded(): readonly PeerId[] {
    return [...this.#refusals.keys()]
  }

  /** What the last worker said that was tried. */
  get last(): RemoteError | undefined {
    return this.#last
  }

  /** Takes a refusal down. False: so many workers have refused that this is the answer. */
  add(worker: PeerId, error: RemoteError, nowMs: number): boolean {
    this.#refusals.set(worker, { error, atMs: nowMs })
    this.#last = error
    if (!NOT_COUNTED.has(error.code)) this.#counted.add(worker)
    return this.#counted.size < TRIES_MAX
  }

  /** Whom to try again after a wait: workers that had no room, and those that were away a while ago. */
  forgive(nowMs: number): void {
    for (const [peer, { error, atMs }] of this.#refusals) {
      const cure = cureOfRefusal(error.code)
      if (cure === 'room' || (cure === 'return' && nowMs - atMs >= ASK_AGAIN_MS)) this.#refusals.delete(peer)
    }
  }

  /** Whether a call that nobody can have now should wait: for room until its deadline, for peers that are away a moment only. */
  mayWait(decision: Decision, nowMs: number): boolean {
    const cure = cureOf(decision, peer => this.#refusals.get(peer)?.error.code)
    if (cure !== 'return') {
      this.#returnUntilMs = undefined
      return cure === 'room'
    }
    this.#returnUntilMs ??= nowMs + RETURN_WAIT_MS
    return nowMs < this.#returnUntilMs
  }
}
