/** What one real fault proves, by the test that makes it happen. */
export interface Proof {
  /** As the row of the table is called. */
  readonly fault: string
  /** The start of the test's full title. */
  readonly test: string
  /** The promises that it checks, by their numbers in the README. */
  readonly promises: readonly number[]
}

/** Which test of `test/faults` stands for which cell of the table of faults and promises. */
export const PROOFS: readonly Proof[] = [
  { fault: 'killed', test: 'kill -9 of the orchestrator', promises: [1, 2, 3, 4, 5] },
  { fault: 'several killed at once', test: 'kill -9 of the orchestrator', promises: [1, 2, 3, 4, 5] },
  { fault: 'frozen', test: 'SIGSTOP of the orchestrator', promises: [1, 2, 3, 4, 5] },
  { fault: 'frozen', test: 'SIGSTOP of a worker', promises: [1, 2, 3, 4, 5] },
  { fault: 'partition, both ways', test: 'a network that parts in two', promises: [1, 2, 3, 4, 5] },
  { fault: 'partition, both ways', test: 'a network that parts completely', promises: [1, 2, 3, 4, 5] },
  { fault: 'partition, one way', test: 'a network that parts one way, so that nobody hears', promises: [1, 2, 3, 4, 5] },
  { fault: 'partition, one way', test: 'a network that parts one way, so that a follower', promises: [1, 2, 3, 4, 5] },
  { fault: 'flapping link', test: 'a network that parts and heals', promises: [1, 2, 3, 4, 5] },
  { fault: 'one link silent', test: 'a network that parts on the one link from the orchestrator', promises: [1, 2, 3, 4, 5] },
  { fault: 'one link silent', test: 'a network that parts on the one link between two', promises: [1, 2, 3, 4, 5] },
  { fault: 'slow link', test: 'a network that straggles', promises: [1, 2, 3, 4, 5] },
  { fault: 'connection reset', test: 'a network that straggles', promises: [1, 2, 3, 4, 5] },
  { fault: 'engine that does not answer', test: 'kill -9 of a Docker engine', promises: [2, 4] },
  { fault: 'rolling upgrade', test: 'a rolling upgrade', promises: [1, 2, 3, 4, 5] },
  { fault: 'disk that fails', test: 'a disk that is full', promises: [2, 4, 5] },
  { fault: 'disk that fails', test: 'a disk that fails below a running peer and does not write', promises: [1, 2, 3, 4, 5] },
  { fault: 'disk that fails', test: 'a disk that fails below a running peer and does not bring', promises: [1, 2, 3, 4, 5] },
  { fault: 'disk that fails', test: 'a disk that fails below a running peer and has become read-only', promises: [1, 2, 3, 4, 5] },
  { fault: 'killed in the middle of a page', test: 'a disk that fails below a running peer and takes half', promises: [1, 2, 3, 4, 5] },
  { fault: 'bit flipped on disk', test: 'a disk that has changed what was written by one bit', promises: [1, 2, 3, 4, 5] },
  { fault: 'clock that jumps by days', test: 'a clock that jumps by days', promises: [1, 2, 3, 4, 5] },
  { fault: 'processors taken 8 times over', test: 'a machine whose processors are taken', promises: [1, 2, 3, 4, 5] },
  { fault: 'data directory deleted', test: 'a data directory that was deleted', promises: [4, 5] },
  { fault: 'majority lost for good', test: 'a majority that is lost for good', promises: [1, 5] }
]
