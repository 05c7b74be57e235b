import { request } from 'node:http'
import { createInterface } from 'node:readline'

/** What a peer tells its watchdog: one JSON object a line. */
export type WatchdogOrder =
  /** This container (its id), or process group (its leader's pid), must end when the lease does. */
  | { readonly guard: string }
  /** It has ended. */
  | { readonly release: string }
  /** When the lease ends, in milliseconds of this machine's monotonic clock, which all its processes share. */
  | { readonly untilMs: number }

/** Whom to ask to end a container; null: what is guarded are process groups. */
export type WatchdogEngine = { readonly socketPath: string } | { readonly host: string; readonly port: number } | null

/** The monotonic clock of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** Between two tries to end a container whose engine does not answer. */
const AGAIN_MS = 1_000
/** Tries: an engine that is away for longer has lost its containers, or keeps them out of anybody's reach. */
const TRIES_MAX = 600

/**
 * The watchdog's own process. It ends what is guarded when the lease ends without a word from the peer, or at once when the peer is gone, which
 * shows in the end of its input: so nothing of a task outlives its lease, although the peer is frozen or killed.
 */
export async function watch(engine: WatchdogEngine): Promise<void> {
  const guarded = new Set<string>()
  let untilMs = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const endAll = async (): Promise<void> => {
    const ids = [...guarded]
    guarded.clear()
    await Promise.all(ids.map(async id => end(id, engine)))
  }
  const look = (): void => {
    clearTimeout(timer)
    const leftMs = untilMs - monotonicMs()
    if (leftMs <= 0) void endAll()
    else if (Number.isFinite(leftMs) && guarded.size > 0) timer = setTimeout(look, leftMs)
  }
  // A shell's Ctrl-C is for the peer, which will tell.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {})
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as WatchdogOrder
    if ('guard' in order) guarded.add(order.guard)
    else if ('release' in order) guarded.delete(order.release)
    else untilMs = order.untilMs
    look()
  }
  clearTimeout(timer)
  await endAll()
}

async function end(id: string, engine: WatchdogEngine): Promise<void> {
  if (engine === null) {
    try {
      process.kill(-Number(id), 'SIGKILL')
    } catch {
      // ESRCH: the whole group has ended already.
    }
    return
  }
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const status = await remove(id, engine)
    // 404: it is gone. 409: somebody else is removing it.
    if (status !== undefined && (status < 300 || status === 404 || status === 409)) return
    await new Promise(resolve => setTimeout(resolve, AGAIN_MS))
  }
}

function remove(id: string, engine: NonNullable<WatchdogEngine>): Promise<number | undefined> {
  return new Promise(resolve => {
    const asked = request({ ...engine, method: 'DELETE', path: `/containers/${encodeURIComponent(id)}?force=true&v=true` }, answer => {
      answer.resume()
      answer.once('close', () => resolve(answer.statusCode))
    })
    asked.once('error', () => resolve(undefined))
    asked.end()
  })
}
