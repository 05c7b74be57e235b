import { CaresError } from '../../model/errors.ts'
import { INVOCATIONS_LISTED_MAX } from '../../model/invocation-list.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { FunctionItem } from '../../model/rest.ts'
import type { TaskItem } from '../../model/rest-tasks.ts'
import type { CaresClient } from '../client.ts'

/** Longest to wait for names that only make the output nicer. */
const NAMES_TIMEOUT_MS = 2_000

/** A whole id of an invocation. A function could have such a name, but hardly would. */
const INVOCATION_ID = /^i-[0-9a-z]{26}$/

/** The beginning of one. With fewer characters, a function that is called `i-…` would too often be taken for an invocation. */
const INVOCATION_ID_START = /^i-[0-9a-z]{4,25}$/

/**
 * The invocation that a word names, by its id or the beginning of it; undefined for a word that is none, and may be the name of a function. A beginning is
 * looked for among the newest {@link INVOCATIONS_LISTED_MAX}. Throws `invalid` where several begin so.
 */
export async function findInvocation(
  word: string,
  { client, signal }: { client: CaresClient; signal: AbortSignal }
): Promise<string | undefined> {
  if (INVOCATION_ID.test(word)) return word
  if (!INVOCATION_ID_START.test(word)) return undefined
  const { items } = await client.invocations({ limit: INVOCATIONS_LISTED_MAX, signal })
  const found = items.filter(({ id }) => id.startsWith(word))
  if (found.length > 1) throw new CaresError('invalid', `${found.length} invocations begin with ${word}`, { hint: 'write more of the id' })
  return found[0]?.id
}

/** The function of that name. Throws `not_found`, also in the words of who meant the id of an invocation. */
export async function findFunction(word: string, { client, signal }: { client: CaresClient; signal: AbortSignal }): Promise<FunctionItem> {
  try {
    return await client.function(word, { signal })
  } catch (error) {
    if (!isNotFound(error) || !INVOCATION_ID_START.test(word)) throw error
    throw new CaresError('not_found', `no call that is kept has an id which begins with ${word}, and no function is named so`, {
      hint: 'the newest call of a function: cares explain NAME',
      cause: error
    })
  }
}

/**
 * The function, or else the task, of that name. Throws `not_found` where there is neither, also in the words of who meant the id of an invocation, and
 * `conflict` where several tasks are called so.
 */
export async function findFunctionOrTask(
  word: string,
  { client, signal }: { client: CaresClient; signal: AbortSignal }
): Promise<{ readonly function: FunctionItem } | { readonly task: TaskItem }> {
  try {
    return { function: await findFunction(word, { client, signal }) }
  } catch (error) {
    if (!isNotFound(error) || word.startsWith('i-')) throw error
    const task = await client.task(word, { signal }).catch((reason: unknown) => {
      if (!isNotFound(reason)) throw reason
    })
    if (task !== undefined) return { task }
    throw new CaresError('not_found', `no function and no task named ${word}`, { hint: 'cares functions   cares tasks', cause: error })
  }
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

function isNotFound(error: unknown): boolean {
  return error instanceof CaresError && error.code === 'not_found'
}
