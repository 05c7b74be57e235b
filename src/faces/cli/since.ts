import { parseDurationMs } from '../../model/units.ts'
import type { CaresClient } from '../client.ts'
import type { OptionSpec } from './command.ts'

/** Leaves out what is older. */
export const SINCE_OPTION: OptionSpec = {
  flags: '--since <DURATION>',
  description: 'only what is not older, e.g. 10m',
  parse: parseDurationMs
}

/** Whether something happened within the last `sinceMs`, by the clock of the peer that tells: that of this machine may be another. */
export async function since(
  sinceMs: number | undefined,
  client: Pick<CaresClient, 'stats'>,
  { signal }: { signal: AbortSignal }
): Promise<(item: { readonly at: string }) => boolean> {
  if (sinceMs === undefined) return () => true
  const fromMs = Date.parse((await client.stats({ signal })).at) - sinceMs
  return ({ at }) => Date.parse(at) >= fromMs
}
