/** A shorter delay by others is none. */
const SHARED_MS_MIN = 1

/**
 * How many times longer than alone an execution is expected to take since others use its cores; 1 where it has them to itself. What it takes in the
 * end, divided by this, is what there is to learn from it: placements add those who will be there, and would count them twice.
 *
 * @param queueMs see `CostMs.queue`
 * @param runMs what it would take alone, on that machine
 */
export function sharingOf(queueMs: number, runMs: number): number {
  return queueMs < SHARED_MS_MIN ? 1 : 1 + queueMs / Math.max(SHARED_MS_MIN, runMs)
}
