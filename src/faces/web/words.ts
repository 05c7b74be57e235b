import { formatBytes } from '../../model/units.ts'
import { formatAge } from '../text.ts'

/** `63Ki`, and `18 bytes` where there is no unit to shorten by. */
export function bytesText(bytes: number): string {
  return bytes < 1_024 ? `${Math.round(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}` : formatBytes(bytes)
}

/** US dollars, with as many digits as a price of a single call needs. */
export function moneyText(usd: number): string {
  if (usd === 0) return '$0'
  return usd >= 1 ? `$${usd.toFixed(2)}` : `$${Number(usd.toPrecision(2)).toLocaleString('en', { maximumFractionDigits: 9 })}`
}

/** How long ago a time was; `now` for less than a second. */
export function ageText(at: string, nowMs: number): string {
  return formatAge(at, nowMs).replace(/^0ms$/, 'now')
}

/** The same in a sentence: `12s ago`, `just now`. */
export function agoText(at: string, nowMs: number): string {
  const age = ageText(at, nowMs)
  return age === 'now' ? 'just now' : `${age} ago`
}
