import type { Glyphs } from './glyphs.ts'
import type { Line, Span } from './lines.ts'
import { ratio } from '../text.ts'
import { cell } from './lines.ts'

/** An amount of which a part is in use, and a part promised. */
export interface Share {
  readonly used: number
  readonly reserved: number
  readonly capacity: number
}

/** From this part on a bar warns, and from the next it alarms. */
const WARN_RATIO = 0.75
const FULL_RATIO = 0.9

/** A bar of `width` columns: in use, promised beyond that, free. */
export function bar({ used, reserved, capacity }: Share, width: number, { bar: glyphs }: Glyphs): Line {
  if (glyphs === null || width <= 0) return []
  const usedCells = cells(used, capacity, width)
  const reservedCells = Math.max(0, cells(reserved, capacity, width) - usedCells)
  const free = width - usedCells - reservedCells
  const part = ratio(Math.max(used, reserved), capacity)
  const tone = part >= FULL_RATIO ? 'bad' : part >= WARN_RATIO ? 'warn' : 'good'
  const spans: Span[] = [
    { text: glyphs.used.repeat(usedCells), tone },
    { text: glyphs.reserved.repeat(reservedCells), tone },
    { text: glyphs.free.repeat(free), tone: 'dim' }
  ]
  return spans.filter(span => typeof span === 'string' || span.text !== '')
}

/** Columns of {@link shareNumbers}. */
export const SHARE_WIDTH = 8

/** `26/40%`: in use and promised, of all there is. */
export function shareNumbers({ used, reserved, capacity }: Share): string {
  if (capacity === 0) return cell('-', SHARE_WIDTH, 'right')
  return cell(`${Math.round(100 * ratio(used, capacity))}/${Math.round(100 * ratio(reserved, capacity))}%`, SHARE_WIDTH, 'right')
}

/** What is in use at all takes at least one cell, so that "a little" does not look like "nothing". */
function cells(amount: number, capacity: number, width: number): number {
  const part = Math.min(1, Math.max(0, ratio(amount, capacity)))
  return part === 0 ? 0 : Math.max(1, Math.round(part * width))
}
