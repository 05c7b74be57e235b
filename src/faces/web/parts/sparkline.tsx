/** The newest values as a small line; what it shows is said in `label`. The line fills from the right as values come. */
export function Sparkline({ values, max, slots, label }: { values: readonly number[]; max: number; slots: number; label: string }) {
  const shown = values.slice(-slots)
  const x = (i: number): number => slots - shown.length + i
  const y = (value: number): number => 23 - 22 * Math.min(1, max === 0 ? 0 : value / max)
  const line = shown.map((value, i) => `${x(i)},${y(value).toFixed(1)}`).join(' ')
  return (
    <svg class="sparkline" viewBox={`0 0 ${slots - 1} 24`} preserveAspectRatio="none" role="img" aria-label={label}>
      <line class="base" x1="0" y1="23.5" x2={slots} y2="23.5" />
      {shown.length < 2 ? null : (
        <>
          <polygon points={`${x(0)},24 ${line} ${x(shown.length - 1)},24`} />
          <polyline points={line} />
        </>
      )}
    </svg>
  )
}
