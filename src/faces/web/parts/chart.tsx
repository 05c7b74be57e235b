import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'

/** One line of a chart. */
export interface Line {
  readonly label: string
  /** The name of a colour of the page: `--accent`. */
  readonly colour: string
  readonly values: readonly (number | null)[]
  readonly fill?: boolean
}

/** Lines over time, with what they are and their newest values (or those under the pointer) above. */
export function Chart({
  title,
  note,
  timesS,
  lines,
  format,
  empty
}: {
  title: string
  note?: string
  timesS: readonly number[]
  lines: readonly Line[]
  format: (value: number) => string
  /** Said instead, while no line has a value. */
  empty: string
}) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const data = useRef<uPlot.AlignedData>([[]])
  data.current = [timesS, ...lines.map(({ values }) => values)] as uPlot.AlignedData
  const [pointed, setPointed] = useState<number | null>(null)
  const isEmpty = lines.every(({ values }) => values.every(value => value === null))

  useEffect(() => {
    const at = place.current
    if (at === null || isEmpty) return
    const draw = (): void => {
      plot.current?.destroy()
      plot.current = new uPlot(options(at, lines, format, setPointed), data.current, at)
    }
    draw()
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: at.clientWidth, height: HEIGHT }))
    resize.observe(at)
    // The lines are painted once in the colours of the page, so other colours need another painting.
    const theme = new MutationObserver(draw)
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', draw)
    return () => {
      resize.disconnect()
      theme.disconnect()
      scheme.removeEventListener('change', draw)
      plot.current?.destroy()
      plot.current = null
    }
  }, [isEmpty])
  useEffect(() => plot.current?.setData(data.current))

  const shown = lines.map(({ label, colour, values }) => {
    const value = pointed === null ? values.findLast(value => value !== null) : values[pointed]
    return { label, colour, text: value === null || value === undefined ? '–' : format(value) }
  })
  return (
    <figure class="card chart">
      <figcaption>
        <h2>{title}</h2>
        {note === undefined ? null : <span class="dim">{note}</span>}
      </figcaption>
      {isEmpty ? (
        <p class="empty">{empty}</p>
      ) : (
        <>
          <p class="legend">
            {shown.map(({ label, colour, text }) => (
              <span key={label}>
                <span class={`swatch ${colour.slice(2)}`} aria-hidden="true" /> {label} <strong>{text}</strong>
              </span>
            ))}
          </p>
          <div
            ref={place}
            role="img"
            aria-label={`${title}, over the last minutes; newest: ${shown.map(({ label, text }) => `${label} ${text}`).join(', ')}`}
          />
        </>
      )}
    </figure>
  )
}

const HEIGHT = 150

/** Five minutes: what the page remembers. */
const WINDOW_S = 300

function options(
  at: HTMLElement,
  lines: readonly Line[],
  format: (value: number) => string,
  onPointed: (index: number | null) => void
): uPlot.Options {
  const styles = getComputedStyle(at)
  const colour = (name: string): string => styles.getPropertyValue(name)
  const axis: uPlot.Axis = {
    stroke: colour('--text-dim'),
    font: `11px ${styles.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false }
  }
  return {
    width: at.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { setScale: false } },
    // Always the same stretch of time, so that a chart that has just begun does not look like one that is full.
    scales: {
      x: { range: (_, __, newest) => [newest - WINDOW_S, newest] },
      y: { range: (_, __, max) => [0, Math.max(max * 1.1, Number.MIN_VALUE)] }
    },
    axes: [
      { ...axis, grid: { show: false }, space: 90, size: 26, values: (_, times) => times.map(clockText) },
      { ...axis, size: 48, space: 36, values: (_, values) => values.map(format) }
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          stroke: colour(line.colour),
          width: 1.5,
          spanGaps: true,
          points: { size: 4, fill: colour(line.colour) },
          ...(line.fill === true ? { fill: faint(colour(line.colour)) } : {})
        })
      )
    ],
    hooks: { setCursor: [({ cursor }) => onPointed(cursor.idx ?? null)] }
  }
}

function clockText(timeS: number): string {
  return new Date(timeS * 1_000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })
}

function faint(colour: string): string {
  return `color-mix(in srgb, ${colour} 14%, transparent)`
}
