import { createContext } from 'preact'
import { useContext, useEffect, useReducer, useState } from 'preact/hooks'
import { type CaresError, toCaresError } from '../../model/errors.ts'
import type { Live } from './live/live.ts'
import type { LiveState } from './live/state.ts'
import { parseRoute, type Route } from './route.ts'

/** Gives every part of the page the one source of knowledge. */
export const LiveContext = createContext<Live | null>(null)

/** The page's source of knowledge. */
export function useLive(): Live {
  const live = useContext(LiveContext)
  if (live === null) throw new Error('a part of the page is drawn outside of it')
  return live
}

/** What the page knows; draws again when that changes. */
export function useLiveState(): LiveState {
  const live = useLive()
  const [, redraw] = useReducer((turn: number) => turn + 1, 0)
  useEffect(() => live.subscribe(() => redraw(undefined)), [live])
  return live.state
}

/** Keeps the list of calls no older than so many seconds while the part that uses this is shown. */
export function useCalls(ageS: number): LiveState['calls'] {
  const live = useLive()
  useEffect(() => live.watchCalls(ageS), [live, ageS])
  return live.state.calls
}

/** The page that the address names. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash))
  useEffect(() => {
    const onChange = (): void => setRoute(parseRoute(location.hash))
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  return route
}

/** The time of the peer that is watched, by its own clock; draws again each second. */
export function useNowMs(): number {
  const { clockOffsetMs } = useLive().state
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return nowMs + clockOffsetMs
}

/** An answer of the API: not there yet, there, or refused. */
export type Asked<Value> =
  | { readonly value: undefined; readonly error: undefined }
  | { readonly value: Value; readonly error: CaresError | undefined }
  | { readonly value: undefined; readonly error: CaresError }

/**
 * Asks when `key` changes, and again every `everyMs` until `isFinal` says that the answer will not change any more. An answer that was there
 * stays while later questions fail.
 */
export function useAsked<Value>(
  key: string,
  ask: (options: { signal: AbortSignal }) => Promise<Value>,
  { everyMs, isFinal }: { everyMs: number; isFinal: (value: Value) => boolean }
): Asked<Value> {
  const [asked, setAsked] = useState<Asked<Value> & { readonly key: string }>({ key, value: undefined, error: undefined })
  useEffect(() => {
    const leaving = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = async (): Promise<void> => {
      try {
        const value = await ask({ signal: leaving.signal })
        if (leaving.signal.aborted) return
        setAsked({ key, value, error: undefined })
        if (isFinal(value)) return
      } catch (cause) {
        if (leaving.signal.aborted) return
        const error = toCaresError(cause)
        setAsked(before =>
          before.key === key && before.value !== undefined ? { key, value: before.value, error } : { key, value: undefined, error }
        )
        if (!error.retryable) return
      }
      timer = setTimeout(() => void again(), everyMs)
    }
    void again()
    return () => {
      leaving.abort()
      clearTimeout(timer)
    }
  }, [key])
  return asked.key === key ? asked : { value: undefined, error: undefined }
}
