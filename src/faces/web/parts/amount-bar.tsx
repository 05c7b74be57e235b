import { ratio } from '../../text.ts'

/** Used above, reserved below, each against the capacity; the numbers stand beside it in words. */
export function AmountBar({
  label,
  used,
  reserved,
  capacity,
  format
}: {
  label: string
  used: number
  reserved: number
  capacity: number
  format: (amount: number) => string
}) {
  const width = (part: number): string => `${(100 * Math.min(1, ratio(part, capacity))).toFixed(2)}%`
  const text = `${format(used)} of ${format(capacity)} used, ${format(reserved)} reserved`
  const level = ratio(used, capacity) > 0.9 ? 'high' : ''
  return (
    <div class="amount">
      <svg
        class={`amount-bar ${level}`}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * ratio(used, capacity))}
        aria-valuetext={text}
        width="100%"
        height="10"
      >
        <title>{`${label}: ${text}`}</title>
        <rect class="track" width="100%" height="10" rx="2" />
        <rect class="used" width={width(used)} height="6" rx="1.5" />
        <rect class="reserved" width={width(reserved)} y="7" height="3" rx="1.5" />
      </svg>
      <span class="amount-text" aria-hidden="true">
        {format(used)} <span class="dim">/ {format(capacity)}</span>
      </span>
    </div>
  )
}

/** What the two parts of an {@link AmountBar} are. */
export function AmountLegend() {
  return (
    <p class="legend">
      <span>
        <span class="swatch used" aria-hidden="true" /> used on the machine
      </span>
      <span>
        <span class="swatch reserved" aria-hidden="true" /> reserved by CARES
      </span>
    </p>
  )
}
