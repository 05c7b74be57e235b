import { logSize } from '../window.ts'
import type { Expert } from './expert.ts'

/** The sample whose input came nearest in size, the newest of several (the closest match of LARS): for what goes in steps, as memory does. */
export const nearest: Expert = ({ logSizes, values }, inputBytes) => {
  const size = logSize(inputBytes)
  let best = values.length - 1
  for (let i = best - 1; i >= 0; i--) {
    if (Math.abs((logSizes[i] ?? 0) - size) < Math.abs((logSizes[best] ?? 0) - size)) best = i
  }
  return values[best] ?? 0
}
