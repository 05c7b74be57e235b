/** After a first failure. Most failures that pass (a peer lost, a service restarting) have passed by then. */
const FIRST_MS = 1_000
/** The longest: a task that fails for an hour is tried once a minute. */
const LONGEST_MS = 60_000

/** How long a task waits after so many failures before it is tried again, in milliseconds: 1 s, 2 s, 4 s … 60 s. */
export function backoffMs(failures: number): number {
  return failures <= 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1))
}
