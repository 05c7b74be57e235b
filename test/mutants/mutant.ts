/** One bug, planted by replacing text of a file under `src/`. */
export interface Mutant {
  readonly name: string
  /** Why it is a bug: what it puts at risk. */
  readonly risk: string
  readonly edits: readonly Edit[]
  /** How many seeds may pass before it is found; 0: random runs are not expected to find it, a directed test must. */
  readonly seedsMax: number
}

/** `find` must be in the file exactly once, else the table no longer fits the code, and the run fails. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A change that looks like a bug and is none, so that nothing can find it. */
export interface EquivalentMutant {
  readonly name: string
  readonly edits: readonly Edit[]
  /** Why no run can tell the difference. */
  readonly argument: string
}
