import { formatBytes, formatDurationMs } from '../../../model/units.ts'
import { remarkLines } from '../../explain-view.ts'
import { useAsked, useLive } from '../hooks.ts'
import { moneyText } from '../words.ts'
import { PeerLink } from './links.tsx'

/** As often as the load of the peers changes noticeably. */
const ASK_EVERY_MS = 5_000

const SURE = { guess: 'a guess', rough: 'roughly', good: 'well known' } as const

/** What a call with so large a body would take and cost, and where it would run, if it came now. */
export function QuoteLine({ name, inputBytes }: { name: string; inputBytes: number }) {
  const live = useLive()
  const { value: quote } = useAsked(`${name} ${inputBytes}`, options => live.client.quote(name, { inputBytes, ...options }), {
    everyMs: ASK_EVERY_MS,
    isFinal: () => false
  })
  if (quote === undefined) return null
  if (quote.peer === null) return <p class="note">A call would wait now: {quote.why}</p>
  return (
    <p class="quote dim">
      Expected: <strong>{quote.time === null ? '–' : formatDurationMs(quote.time.ms)}</strong>
      {quote.time === null ? '' : `, hardly more than ${formatDurationMs(quote.time.upperMs)}`} on <PeerLink peer={quote.peer} />
      {quote.start === null ? '' : ` (${quote.start} start)`}
      {quote.memory.bytes === undefined ? '' : `, ${formatBytes(quote.memory.bytes)} of memory`}
      {quote.cost === null ? '' : `, ${moneyText(quote.cost.usd)}`}; {SURE[quote.sure.level]}, from {quote.sure.samples}{' '}
      {[quote.sure.samples === 1 ? 'run.' : 'runs.', ...remarkLines(quote)].join(' ')}
    </p>
  )
}
