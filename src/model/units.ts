import { CaresError } from './errors.ts'

const BYTES_BY_SUFFIX: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40
}

const MS_BY_SUFFIX: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Bytes from `64Mi`, `1.5G` or `1024`. Throws `invalid` for anything else, and for what is not a positive whole number of bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?B?$/.exec(text.trim())
  const bytes = match === null ? Number.NaN : Math.round(Number(match[1]) * (BYTES_BY_SUFFIX[match[2] ?? ''] ?? Number.NaN))
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new CaresError('invalid', `not a size: ${JSON.stringify(text)}`, { hint: 'write a size like 64Mi, 1.5Gi or 1048576' })
  }
  return bytes
}

/** Milliseconds from `250ms`, `30s`, `5m`, `2h` or `1d`. Throws `invalid` for anything else; 0 is allowed. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim())
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * (MS_BY_SUFFIX[match[2] ?? ''] ?? Number.NaN))
  if (!Number.isSafeInteger(ms)) {
    throw new CaresError('invalid', `not a duration: ${JSON.stringify(text)}`, { hint: 'write a duration like 250ms, 30s, 5m or 2h' })
  }
  return ms
}

/** `412Mi`, `1.5Gi`, `0`: the largest binary unit that keeps the number at 1 or above, with at most one decimal. */
export function formatBytes(bytes: number): string {
  for (const suffix of ['Ti', 'Gi', 'Mi', 'Ki'] as const) {
    const unit = BYTES_BY_SUFFIX[suffix] ?? 1
    if (bytes >= unit) return `${trimmed(bytes / unit)}${suffix}`
  }
  return String(Math.round(bytes))
}

/** `0.4ms`, `42ms`, `1.2s`, `5m`, `2h`, `3d`: short enough for a table cell. */
export function formatDurationMs(ms: number): string {
  if (ms < 10) return `${trimmed(ms)}ms`
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${trimmed(ms / 1_000)}s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}m`
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)}h`
  return `${Math.floor(ms / 86_400_000)}d`
}

/** `$0`, `$0.000012`, `$1.25`: two significant digits below a dollar, cents above. */
export function formatUsd(usd: number): string {
  if (usd === 0) return '$0'
  if (usd >= 1) return `$${usd.toFixed(2)}`
  const digits = Math.min(20, Math.max(2, 1 - Math.floor(Math.log10(Math.abs(usd)))))
  return `$${usd.toFixed(digits)}`
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}
