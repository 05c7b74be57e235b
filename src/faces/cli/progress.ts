import type { Clock } from '../../model/ports/clock.ts'
import type { OutputSettings, Terminal } from './command.ts'

/** Quicker work than this needs no progress line. */
const TICK_MS = 500

/**
 * Does the work, and tells a waiting person on stderr what it is and how long it has taken. Nothing in pipes and with `--quiet`.
 *
 * @param work - may say by `tell` what goes on
 */
export async function withProgress<Value>(
  what: string,
  { terminal: { stderr }, output, clock }: { terminal: Terminal; output: OutputSettings; clock: Clock },
  work: (tell: (doing: string) => void) => Promise<Value>
): Promise<Value> {
  if (stderr.isTTY !== true || output.quiet) return await work(() => {})
  const startedMs = clock.nowMs()
  let doing = what
  let shown = false
  const ticks = clock.every(TICK_MS, () => {
    shown = true
    stderr.write(`\r\u001B[K${doing} … ${Math.floor((clock.nowMs() - startedMs) / 1_000)}s`)
  })
  try {
    return await work(told => {
      doing = told
    })
  } finally {
    ticks[Symbol.dispose]()
    if (shown) stderr.write('\r\u001B[K')
  }
}
