import { formatDurationMs } from '../../../model/units.ts'

/** How the page stands with the peer that serves it. */
export type Link =
  /** Nothing has been heard yet. */
  | { readonly state: 'connecting' }
  /** The last question was answered. */
  | { readonly state: 'answered' }
  /** The last question was not answered. */
  | { readonly state: 'lost'; readonly reason: string }
  /** The peer wants a token; `refused`: the one it was sent is wrong. */
  | { readonly state: 'locked'; readonly refused: boolean }

/** What the reader is told of the link: a word, a tone, and how old the data is. */
export interface LinkStatus {
  readonly tone: 'good' | 'warn' | 'bad'
  readonly text: string
}

/** Data older than this is called old, though its peer has not failed to answer yet: three polls. */
const FRESH_MS = 3_500

/**
 * `live`, or what is not: `reconnecting, data 12 s old`.
 *
 * @param streaming - whether the event stream is open
 * @param dataAtMs - when the newest numbers came; null: there are none
 */
export function linkStatus(
  link: Link,
  { streaming, dataAtMs, nowMs }: { streaming: boolean; dataAtMs: number | null; nowMs: number }
): LinkStatus {
  const ageMs = dataAtMs === null ? null : Math.max(0, nowMs - dataAtMs)
  const age = ageMs === null ? 'no data yet' : `data ${secondsText(ageMs)} old`
  switch (link.state) {
    case 'connecting':
      return { tone: 'warn', text: 'connecting' }
    case 'locked':
      return { tone: 'warn', text: 'locked: needs a token' }
    case 'lost':
      return { tone: 'bad', text: `reconnecting, ${age}` }
    case 'answered':
      if (ageMs !== null && ageMs > FRESH_MS) return { tone: 'warn', text: `slow, ${age}` }
      return streaming ? { tone: 'good', text: 'live' } : { tone: 'warn', text: 'live, events reconnecting' }
  }
}

/** `12 s`, and minutes and more in the short form of tables. */
export function secondsText(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1_000)} s` : formatDurationMs(ms)
}
