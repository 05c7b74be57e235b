import type { Explanation, VerdictItem } from '../model/rest-invocations.ts'
import { formatDurationMs } from '../model/units.ts'
import { scoreOf, scoreText } from './explain-view.ts'

/** The story of one call in two lines: where it ran and what else there was, and what it took. */
export function placementLines({ invocation, placements }: Explanation): string[] {
  const { id, worker, usage, totalMs, start } = invocation
  const last = placements.at(-1)
  const chosen = last?.verdicts.find(verdict => verdict.chosen)
  const next = last?.verdicts
    .filter(({ fits, chosen, cost }) => fits && !chosen && cost !== undefined)
    .sort((a, b) => (scoreOf(a) ?? 0) - (scoreOf(b) ?? 0))[0]
  const cost = chosen === undefined ? '' : `: ${expectedText(chosen)}`
  const rival = next === undefined ? '' : `, next best ${next.peer.name}: ${expectedText(next)}`
  const fallback = last?.placement === 'fallback' ? ' (fallback placement)' : ''
  const took =
    usage === null
      ? []
      : [
          [
            `queue ${formatDurationMs(usage.queueMs)}`,
            `pull ${formatDurationMs(usage.pullMs)}`,
            `start ${formatDurationMs(usage.startMs)}${start === null ? '' : ` (${start})`}`,
            `run ${formatDurationMs(usage.runMs)}`,
            ...(totalMs === null ? [] : [`total ${formatDurationMs(totalMs)}`])
          ].join('  ')
        ]
  return [`invocation ${id} on ${worker?.name ?? 'no peer'}${fallback}${cost}${rival} (see: cares explain ${id})`, ...took]
}

/** The expected time, and, where the choice went by something else, that. */
function expectedText({ cost, score }: VerdictItem): string {
  return `${cost === undefined ? 'no time' : formatDurationMs(cost.total)} expected${score === undefined || score === cost?.total ? '' : `, score ${scoreText(score)}`}`
}
