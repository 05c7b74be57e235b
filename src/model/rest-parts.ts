import { z } from 'zod'

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

/** A duration. */
export const ms = z.number().describe('milliseconds')

/** An instant, for display. */
export const time = z.string().describe('RFC 3339')

/** A peer as answers mention it. */
export const peerRefSchema = z.object({ id: z.string(), name: z.string() })

/** Who placed: the elected orchestrator, or a gateway that could not reach one. */
export const placementKindSchema = z.enum(['orchestrator', 'fallback'])
