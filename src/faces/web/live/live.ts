import { CaresError, toCaresError } from '../../../model/errors.ts'
import type { EventItem } from '../../../model/rest-events.ts'
import { type ApiClient, createApiClient } from '../api-client.ts'
import { type Input, type LiveState, reduce, UNKNOWN } from './state.ts'

/** The page's one source of knowledge, kept up to date while someone looks. */
export interface Live {
  readonly state: LiveState
  readonly client: ApiClient
  /** Calls `onChange` after every change of `state`. Returns how to stop that. */
  subscribe(onChange: () => void): () => void
  /** Keeps the list of calls up to date, too, no older than so many seconds, until the returned function is called. */
  watchCalls(ageS: number): () => void
  /** Goes on with a token that the reader has given. */
  unlock(token: string): void
  /** Asks at once: something was changed from here. */
  refresh(): void
}

/** What a page shows may be a second old: that is how often peers sample themselves. */
const POLL_MS = 1_000

/** A peer that has not answered a question about its own state for so long is counted as not there. */
const POLL_TIMEOUT_MS = 4_000

/** Functions change seldom, and events tell of it: asking is only for what those have missed. */
const FUNCTIONS_EVERY_POLLS = 10

/** How far back the small charts of a page that has just been opened go. */
const HISTORY_SINCE = '2m'

/** The length of the list of calls. */
const CALLS_LISTED = 200

/** After an event stream has ended, so long is waited before it is opened again. */
const STREAM_RETRY_MS = 1_000

/** A hidden page closes its stream after so long, as a browser has only six connections for a peer; by its id it is taken up again. */
const HIDDEN_STREAM_MS = 30_000

/** Events are shown together this often: a thousand a second must not draw a thousand times. */
const GATHER_MS = 250

/**
 * Watches the peer at `api` while the document is visible: numbers by asking each second, events by one stream that is resumed by id.
 *
 * @param tokens - where a token is kept between visits
 * @param life - ends everything when aborted
 */
export function createLive(
  api: string,
  { document, tokens, life }: { document: Document; tokens: { load(): string | undefined; save(token: string): void }; life: AbortSignal }
): Live {
  const listeners = new Set<() => void>()
  let state = UNKNOWN
  let client = createApiClient(api, tokens.load())
  /** How old the list of calls may be, for each part of the page that shows it: it is the largest answer of all. */
  const watchers = new Set<{ readonly ageS: number }>()
  let callsAskedAtMs = Number.NEGATIVE_INFINITY
  let pollsUntilFunctions = 0
  let knowsHistory = false
  let wake = (): void => {}
  let resumeId = '0'

  const take = (input: Input): void => {
    state = reduce(state, input)
    for (const listener of listeners) listener()
  }
  const failed = (error: unknown): void => {
    if (life.aborted) return
    const { code, message } = toCaresError(error)
    if (code === 'unauthorized') take({ type: 'locked', refused: client.hasToken })
    else take({ type: 'lost', reason: message })
  }
  /** Resolves after `ms`, or when the page comes into view, is given a token, or has changed something. */
  const pause = async (ms: number): Promise<void> => {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      const earlier = wake
      wake = () => {
        earlier()
        clearTimeout(timer)
        resolve()
      }
    })
  }
  const isIdle = (): boolean => document.visibilityState === 'hidden' || state.link.state === 'locked'

  const poll = async (): Promise<void> => {
    const options = { signal: AbortSignal.any([life, AbortSignal.timeout(POLL_TIMEOUT_MS)]) }
    const wantsFunctions = pollsUntilFunctions <= 0
    const callsAgeMs = Math.min(...[...watchers].map(({ ageS }) => ageS * 1_000))
    const wantsCalls = watchers.size > 0 && performance.now() - callsAskedAtMs > callsAgeMs - POLL_MS / 2
    if (wantsCalls) callsAskedAtMs = performance.now()
    const [peers, cluster, stats, functions, calls] = await Promise.all([
      client.peers(options),
      client.cluster(options),
      client.stats(options),
      wantsFunctions ? client.functions(options) : undefined,
      wantsCalls ? client.calls({ limit: CALLS_LISTED, function: undefined, ...options }) : undefined
    ])
    pollsUntilFunctions = wantsFunctions ? FUNCTIONS_EVERY_POLLS : pollsUntilFunctions - 1
    const history = knowsHistory ? undefined : await client.history({ since: HISTORY_SINCE, peer: undefined, function: 'none', ...options })
    take({ type: 'polled', nowMs: Date.now(), peers: peers.items, cluster, stats, functions: functions?.items, calls })
    if (history === undefined) return
    knowsHistory = true
    take({ type: 'history', history })
  }
  const pollOn = async (): Promise<void> => {
    while (!life.aborted) {
      if (!isIdle()) await poll().catch(failed)
      // The first poll after a failure follows at the same pace: a peer that comes back is seen within a second.
      await pause(POLL_MS)
    }
  }

  let gathered: EventItem[] = []
  const show = (): void => {
    if (gathered.length === 0) return
    if (gathered.some(({ type }) => type.startsWith('function:'))) pollsUntilFunctions = 0
    take({ type: 'events', items: gathered })
    gathered = []
  }
  const stream = async (): Promise<void> => {
    const hidden = new AbortController()
    const signal = AbortSignal.any([life, hidden.signal])
    const showing = setInterval(show, GATHER_MS)
    let hiddenTimer: ReturnType<typeof setTimeout> | undefined
    const onVisibility = (): void => {
      clearTimeout(hiddenTimer)
      if (document.visibilityState === 'hidden') hiddenTimer = setTimeout(() => hidden.abort(), HIDDEN_STREAM_MS)
    }
    document.addEventListener('visibilitychange', onVisibility)
    try {
      const onOpen = (): void => take({ type: 'stream', open: true })
      for await (const events of client.events({ afterId: resumeId, onOpen, signal })) {
        for (const event of events) {
          resumeId = event.resumeId
          gathered.push(event.item)
        }
      }
    } finally {
      clearInterval(showing)
      clearTimeout(hiddenTimer)
      document.removeEventListener('visibilitychange', onVisibility)
      show()
      take({ type: 'stream', open: false })
    }
  }
  const streamOn = async (): Promise<void> => {
    while (!life.aborted) {
      // The polls say what is wrong with the peer: of two voices with the same news one is enough.
      if (!isIdle()) await stream().catch((error: unknown) => isUnauthorized(error) && failed(error))
      await pause(STREAM_RETRY_MS)
    }
  }

  document.addEventListener('visibilitychange', () => wakeUp(), { signal: life })
  const wakeUp = (): void => {
    const waiting = wake
    wake = () => {}
    waiting()
  }
  void pollOn()
  void streamOn()

  return {
    get state() {
      return state
    },
    get client() {
      return client
    },
    subscribe: onChange => {
      listeners.add(onChange)
      return () => listeners.delete(onChange)
    },
    watchCalls: ageS => {
      const watcher = { ageS }
      watchers.add(watcher)
      wakeUp()
      return () => void watchers.delete(watcher)
    },
    unlock: token => {
      tokens.save(token)
      client = createApiClient(api, token)
      take({ type: 'unlocked' })
      wakeUp()
    },
    refresh: () => {
      pollsUntilFunctions = 0
      callsAskedAtMs = Number.NEGATIVE_INFINITY
      wakeUp()
    }
  }
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof CaresError && error.code === 'unauthorized'
}
