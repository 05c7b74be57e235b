import type { CaresError } from '../../model/errors.ts'

/** Characters of a reason that others are told. */
const REASON_CHARS_MAX = 256

/** What goes on with snapshots: one that cannot be had is no error of anybody's request, so it is kept here for those who ask how the peer is. */
export class SnapshotHealth {
  readonly #failures = new Map<'make' | 'read', string>()

  /** `make`: as the leader, for peers that need one; `read`: one that the leader offers. Null: it went well, or is not needed any more. */
  note(what: 'make' | 'read', failure: CaresError | null): void {
    if (failure === null) this.#failures.delete(what)
    else this.#failures.set(what, `cannot ${what} a snapshot of what is agreed: ${failure.message}`.slice(0, REASON_CHARS_MAX))
  }

  /** What this peer cannot do now, and why; undefined when all is well. */
  get failure(): string | undefined {
    return [...this.#failures.values()].join('; ') || undefined
  }
}
