import { useState } from 'preact/hooks'
import { across, areaPath, type ChartArea, linePath, nearestIndex, timeMarks, valueMarks } from '../chart-layout.ts'

/** One line of a chart. */
export interface Line {
  readonly label: string
  /** A colour of the charts: `accent`, `second`, `bad`. */
  readonly colour: string
  readonly values: readonly (number | null)[]
  readonly fill?: boolean
}

/** Lines over time, with what they are and their newest values (or those under the pointer) above. */
export function Chart({
  title,
  note,
  timesS,
  spanS = SPAN_S,
  lines,
  format,
  empty
}: {
  title: string
  note?: string
  timesS: readonly number[]
  /** Always the same stretch of time, so that a chart that has just begun does not look like one that is full. */
  spanS?: number
  lines: readonly Line[]
  format: (value: number) => string
  /** Said instead, while no line has a value. */
  empty: string
}) {
  const [pointed, setPointed] = useState<number | null>(null)
  const isEmpty = lines.every(({ values }) => values.every(value => value === null))
  const toS = timesS.at(-1) ?? 0
  const fromS = toS - spanS
  const highest = Math.max(
    0,
    ...lines.flatMap(({ values }) => values.filter((value, at) => value !== null && (timesS[at] ?? 0) >= fromS) as number[])
  )
  const marks = valueMarks(highest)
  const area: ChartArea = { fromS, toS, max: marks.at(-1) ?? 1 }
  const at = pointed === null ? undefined : nearestIndex(timesS, pointed, area)
  const shown = lines.map(({ label, colour, values }) => {
    const value = at === undefined ? values.findLast(value => value !== null) : values[at]
    return { label, colour, text: value === null || value === undefined ? '–' : format(value) }
  })
  const point = ({ clientX, currentTarget }: PointerEvent): void => {
    const { left, width } = (currentTarget as Element).getBoundingClientRect()
    setPointed((clientX - left) / width)
  }
  return (
    <figure class="card chart">
      <figcaption>
        <h2>{title}</h2>
        {note === undefined ? null : <span class="dim">{note}</span>}
        {isEmpty ? null : (
          <p class="legend">
            {shown.map(({ label, colour, text }) => (
              <span key={label}>
                <span class={`swatch ${colour}`} aria-hidden="true" /> {label} <strong>{text}</strong>
              </span>
            ))}
          </p>
        )}
      </figcaption>
      {isEmpty ? (
        <p class="empty">{empty}</p>
      ) : (
        <div
          class="plot"
          role="img"
          aria-label={`${title}, over the last minutes; newest: ${shown.map(({ label, text }) => `${label} ${text}`).join(', ')}`}
        >
          {marks.map(mark => (
            <span key={mark} class="value-mark" style={{ bottom: `${(100 * mark) / area.max}%` }}>
              <span>{format(mark)}</span>
            </span>
          ))}
          <svg
            aria-hidden="true"
            viewBox="0 0 100 100"
            preserveAspectRatio="none"
            onPointerMove={point}
            onPointerLeave={() => setPointed(null)}
          >
            {lines.map(({ label, colour, values, fill }) => (
              <g key={label} class={colour}>
                {fill === true ? <path class="fill" d={areaPath(timesS, values, area)} /> : null}
                <path class="line" d={linePath(timesS, values, area)} />
              </g>
            ))}
            {at === undefined ? null : <path class="pointed" d={`M${across(timesS[at] ?? 0, area)} 0V100`} />}
          </svg>
          {(at === undefined ? timeMarks(area) : [timesS[at] ?? 0]).map(time => (
            <span key={time} class="time-mark" style={{ left: `${across(time, area)}%` }}>
              {clockText(time, at !== undefined)}
            </span>
          ))}
        </div>
      )}
    </figure>
  )
}

/** Five minutes: what the page remembers. */
const SPAN_S = 300

function clockText(timeS: number, withSeconds: boolean): string {
  return new Date(timeS * 1_000).toISOString().slice(11, withSeconds ? 19 : 16)
}
