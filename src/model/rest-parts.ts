import { z } from 'zod'
import { CACHE_BASES, LLC_MODES } from './llc.ts'
import { PLACEMENT_KINDS } from './placement.ts'

/*
 * What the schemas of the REST API are made of.
 */

/**
 * An array that its readers may not change, as in the model. (zod's own `.readonly()` freezes at run time, and marks the OpenAPI schema as
 * something that only answers may hold.)
 */
export function listOf<Item extends z.ZodType>(item: Item): z.ZodType<readonly z.output<Item>[], readonly z.input<Item>[]> {
  return z.array(item)
}

/** A whole number, not negative. */
export const count = z.int().nonnegative()

/** A size; an average may be a fraction. */
export const bytes = z.number().nonnegative().describe('bytes')

/** A duration in milliseconds. */
export const ms = z.number().describe('milliseconds')

/** An instant, for display. */
export const time = z.string().describe('RFC 3339')

/** See `LlcState`. */
export const llcSchema = z
  .object({
    mode: z.enum(LLC_MODES).describe('what the peer can do about its last-level cache'),
    reason: z.string().describe('why, as a word'),
    why: z.string().describe('why, in words'),
    bytes: bytes.describe('of all caches; 0: not known'),
    ways: count.describe('of each; 0: not known'),
    expectedBytes: bytes.describe('what those that run there are expected to need; never measured'),
    usedBytes: bytes.optional().describe('in use, as the processor counts it; absent: not counted'),
    classes: count.optional().describe('that divide it now')
  })
  .describe('the last-level cache')

/** See `CacheNeed`. */
export const cacheNeedSchema = z
  .object({
    bytes: bytes.describe('with so much a run takes at most a twentieth longer than with all'),
    slowdown: z.number().describe('by what share a run takes longer with next to none'),
    basis: z.enum(CACHE_BASES).describe('assumed from its memory, counted by the processor, or found by runs with few and many ways')
  })
  .describe('what it is expected to want of the last-level cache; absent: nothing is known')

/** A peer as answers mention it. */
export const peerRefSchema = z.object({ id: z.string(), name: z.string() })

/** Who placed: the elected orchestrator, or a gateway that could not reach one. */
export const placementKindSchema = z.enum(PLACEMENT_KINDS)
