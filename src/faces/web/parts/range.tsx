import { useState } from 'preact/hooks'
import type { StatsHistoryBody } from '../../../model/rest-telemetry.ts'
import { type Range, RANGES } from '../history.ts'
import { useAsked, useLive } from '../hooks.ts'

/** What has been in the chosen stretch of time, and how to choose another. */
export interface History {
  readonly range: Range
  readonly choose: (range: Range) => void
  readonly history: StatsHistoryBody | undefined
}

/** Asks for the numbers of `peer` and `fn` over time (`none`: of no peer, of no function; absent: of all), and again with every step. */
export function useHistory({ peer, fn }: { peer?: string; fn?: string } = {}): History {
  const live = useLive()
  const [range, choose] = useState(RANGES[0])
  const { value } = useAsked(
    `${range.since} ${peer} ${fn}`,
    options => live.client.history({ since: range.since, peer, function: fn, ...options }),
    {
      everyMs: range.everyMs,
      isFinal: () => false
    }
  )
  return { range, choose, history: value }
}

/** Which stretch of time the charts show. */
export function RangeChoice({ range, choose }: Pick<History, 'range' | 'choose'>) {
  return (
    <div class="segments" role="group" aria-label="Time that the charts show">
      {RANGES.map(each => (
        <button key={each.since} type="button" aria-pressed={each === range} onClick={() => choose(each)}>
          {each.title}
        </button>
      ))}
    </div>
  )
}
