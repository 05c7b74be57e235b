import type { Clock } from '../../model/ports/clock.ts'
import type { CaresClient } from '../client.ts'

/** Longest to wait for names that only make the output nicer. */
const NAMES_TIMEOUT_MS = 2_000

/** Whether a word is the id of an invocation, and not the name of a function (which could look so, but would hardly be given). */
export function isInvocationId(word: string): boolean {
  return /^i-[0-9a-z]{26}$/.test(word)
}

/** Whether a word is the id of a task, or the beginning of one. */
export function isTaskId(word: string): boolean {
  return /^t-[0-9a-z]{1,26}$/.test(word)
}

/** Names of peers by id; empty when they cannot be had in time. */
export async function peerNames(
  client: CaresClient,
  { clock, signal }: { clock: Clock; signal: AbortSignal }
): Promise<ReadonlyMap<string, string>> {
  try {
    const { items } = await client.peers({ signal: AbortSignal.any([signal, clock.timeout(NAMES_TIMEOUT_MS)]) })
    return new Map(items.map(({ id, name }) => [id, name]))
  } catch {
    // Ids are shown instead, and what is wrong with the peer is said by the question that the user has asked.
    return new Map()
  }
}
