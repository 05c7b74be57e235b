import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'
import type { History } from './history.ts'

/** How long a client waits between two operations: long enough to leave a small machine to the peers. */
const PAUSE_MS = 40
/**
 * Of so many operations of a client one is an upload, one competes with those of the other clients, one is a task, and two look: who leads, and what became of
 * a task.
 */
const UPLOAD_EVERY = 10

/** Clients that go on until they are stopped, at the latest when they go out of scope. */
export interface Clients extends AsyncDisposable {
  /** Resolves when so many more operations have ended. */
  answered(more: number): Promise<void>
  stop(): Promise<void>
}

/** Starts clients that call, upload and submit one thing after the other, each time through the next of the peers that `peers` then names. */
export function startClients(history: History, peers: () => readonly PeerProcess[], count = 4): Clients {
  const stopping = new AbortController()
  const running = Array.from({ length: count }, async (_, client) => {
    for (let i = client; !stopping.signal.aborted; i++) {
      const now = peers()
      const peer = now[i % now.length]
      if (peer !== undefined) await operate(history, peer, i % UPLOAD_EVERY)
      await sleep(PAUSE_MS)
    }
  })
  const ended = (): number => history.operations.filter(({ outcome }) => outcome !== 'pending').length
  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.all(running)
  }
  return {
    answered: async more => {
      const wanted = ended() + more
      await eventually(`${more} more operations end`, () => (ended() >= wanted ? true : undefined), { withinMs: 30_000 })
    },
    stop,
    [Symbol.asyncDispose]: stop
  }
}

async function operate(history: History, peer: PeerProcess, turn: number): Promise<void> {
  if (turn === 0) await history.upload(peer)
  else if (turn === 3) await history.contest(peer)
  else if (turn === 6) await history.look(peer)
  else if (turn === 7) await history.tasks.lookUp(peer)
  else if (turn === 8) await history.task(peer)
  else await history.call(peer)
}
