import type { Size } from './state.ts'

/** The smallest screen that shows anything. */
export const COLUMNS_MIN = 40
/** Rows of the smallest terminal that the screens are drawn on. */
export const ROWS_MIN = 10

/** Rows that are drawn: the last one stays free, or some terminals scroll. */
export function drawnRows({ rows }: Size): number {
  return Math.max(1, rows - 1)
}

/** Rows of text of a view that has the screen for itself: without its frame. */
export function pageHeight({ size }: { readonly size: Size }): number {
  return Math.max(1, drawnRows(size) - 2)
}
