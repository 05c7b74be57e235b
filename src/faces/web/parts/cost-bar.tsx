import { formatDurationMs } from '../../../model/units.ts'
import { COST_TERMS, type CostTerm, type Segment } from '../cost-bars.ts'

const WORDS: Readonly<Record<CostTerm, string>> = {
  network: 'network',
  queue: 'queue',
  pull: 'pull',
  start: 'start',
  run: 'run',
  other: 'network and the rest'
}

/** A duration drawn by its causes, against a scale that other bars share. */
export function CostBar({ segments, scaleMs, label }: { segments: readonly Segment[]; scaleMs: number; label: string }) {
  const part = (ms: number): string => `${((100 * ms) / scaleMs).toFixed(3)}%`
  const words = segments.map(({ term, ms }) => `${WORDS[term]} ${formatDurationMs(ms)}`).join(', ')
  return (
    <svg class="cost-bar" width="100%" height="14" role="img" aria-label={`${label}: ${words}`}>
      <rect class="track" width="100%" height="14" rx="2" />
      {segments.map(({ term, fromMs, ms }) => (
        <rect key={term} class={`term-${term}`} x={part(fromMs)} width={part(ms)} height="14">
          <title>{`${WORDS[term]} ${formatDurationMs(ms)}`}</title>
        </rect>
      ))}
    </svg>
  )
}

/** What the colours of the cost bars mean. */
export function CostLegend({ other = false }: { other?: boolean }) {
  const terms: readonly CostTerm[] = other ? [...COST_TERMS, 'other'] : COST_TERMS
  return (
    <p class="legend">
      {terms.map(term => (
        <span key={term}>
          <span class={`swatch term-${term}`} aria-hidden="true" /> {WORDS[term]}
        </span>
      ))}
    </p>
  )
}
