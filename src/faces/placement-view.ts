import type { Explanation } from '../model/rest.ts'
import { formatDurationMs } from '../model/units.ts'

/** The story of one call in two lines: where it ran and what else there was, and what it took. */
export function placementLines({ invocation, placements }: Explanation): string[] {
  const { id, worker, usage, totalMs, start } = invocation
  const last = placements.at(-1)
  const chosen = last?.verdicts.find(verdict => verdict.chosen)
  const next = last?.verdicts
    .filter(({ fits, chosen, cost }) => fits && !chosen && cost !== undefined)
    .sort((a, b) => (a.cost?.total ?? 0) - (b.cost?.total ?? 0))[0]
  const cost = chosen?.cost === undefined ? '' : `: cost ${formatDurationMs(chosen.cost.total)}`
  const rival = next?.cost === undefined ? '' : `, next best ${next.peer.name} ${formatDurationMs(next.cost.total)}`
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
