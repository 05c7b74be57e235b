/** The part of time and of values that a chart shows. Its drawing is 100 by 100, whatever its size on the screen. */
export interface ChartArea {
  readonly fromS: number
  readonly toS: number
  /** The value at the upper edge. */
  readonly max: number
}

/** Values that are marked at the side: about so many steps from nothing to all. */
const VALUE_STEPS = 3

/** Times that are marked below: about so many. */
const TIME_STEPS = 4

/** Distances between marks that people can count by. */
const STEPS_S = [15, 60, 120, 300, 600, 900, 1_800, 3_600, 3 * 3_600, 6 * 3_600]

/** What fits below the largest value: marks at round numbers, the last of which is the upper edge. Never empty. */
export function valueMarks(max: number): readonly number[] {
  if (!(max > 0)) return [0, 1]
  const rough = max / VALUE_STEPS
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * ([1, 2, 2.5, 5, 10].find(factor => factor * unit >= rough) ?? 10)
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, index) => index * step)
}

/** Round times within the stretch, not so near to its ends that their text would be cut. */
export function timeMarks({ fromS, toS }: Pick<ChartArea, 'fromS' | 'toS'>): readonly number[] {
  const span = toS - fromS
  const step = STEPS_S.find(each => span / each <= TIME_STEPS + 1) ?? STEPS_S.at(-1) ?? 3_600
  const margin = span * 0.04
  const first = Math.ceil((fromS + margin) / step) * step
  return Array.from({ length: Math.max(0, Math.floor((toS - margin - first) / step) + 1) }, (_, index) => first + index * step)
}

/** The line as an SVG path. Values that are not known are passed over; one alone is a dot, drawn as a line of no length. */
export function linePath(timesS: readonly number[], values: readonly (number | null)[], area: ChartArea): string {
  const points = pointsOf(timesS, values, area)
  const [first] = points
  if (points.length === 1 && first !== undefined) return `M${first}h0`
  return points.length === 0 ? '' : `M${points.join('L')}`
}

/** The area below the line. */
export function areaPath(timesS: readonly number[], values: readonly (number | null)[], area: ChartArea): string {
  const points = pointsOf(timesS, values, area)
  const [first] = points
  const last = points.at(-1)
  return first === undefined || last === undefined ? '' : `M${first.split(' ')[0]} 100L${points.join('L')}L${last.split(' ')[0]} 100Z`
}

/** Which of the times is nearest to a part of the width, 0 to 1; undefined where none is shown. */
export function nearestIndex(
  timesS: readonly number[],
  part: number,
  { fromS, toS }: Pick<ChartArea, 'fromS' | 'toS'>
): number | undefined {
  const wanted = fromS + part * (toS - fromS)
  let nearest: number | undefined
  for (const [index, time] of timesS.entries()) {
    if (time < fromS) continue
    if (nearest === undefined || Math.abs(time - wanted) < Math.abs((timesS[nearest] ?? 0) - wanted)) nearest = index
  }
  return nearest
}

/** How far from the left a time is, of 100. */
export function across(timeS: number, { fromS, toS }: Pick<ChartArea, 'fromS' | 'toS'>): number {
  return round((100 * (timeS - fromS)) / (toS - fromS))
}

function pointsOf(timesS: readonly number[], values: readonly (number | null)[], area: ChartArea): string[] {
  return timesS.flatMap((time, index) => {
    const value = values[index]
    return value === null || value === undefined || time < area.fromS
      ? []
      : [`${across(time, area)} ${round(100 - (100 * Math.min(value, area.max)) / area.max)}`]
  })
}

/** Finer than any screen. */
function round(value: number): number {
  return Math.round(value * 100) / 100
}
