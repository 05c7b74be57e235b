import { z } from 'zod'
import type { Configuration, HardState, SnapshotMeta, SnapshotOffer } from './consensus.ts'
import type { Outcome, Remembered } from './command.ts'
import { CONTRACTS, type FunctionRecord, NETWORK_POLICIES } from './function.ts'
import { agreedStrategySchema, placementPolicySchema } from './function-request.ts'
import type { Branded, ClusterUid, Digest, PeerId } from './ids.ts'
import { quickReader } from './quick-check.ts'

/*
 * The shapes of what peers keep on disk and send each other as state. Shape only: the limits on what users may ask for are checked when they
 * ask, and a later version with tighter limits must still be able to read what an earlier one has agreed. Unknown fields are refused: what
 * this version would drop in silence, a newer peer has agreed to keep.
 */

function branded<Kind extends string>(): z.ZodType<Branded<Kind>, string> {
  return z.string().min(1) as unknown as z.ZodType<Branded<Kind>, string>
}

const peerId = branded<'PeerId'>() satisfies z.ZodType<PeerId>
const digest = branded<'Digest'>() satisfies z.ZodType<Digest>
const count = z.int().nonnegative()

/** A function as the registry holds it. */
export const functionRecordSchema: z.ZodType<FunctionRecord> = z.strictObject({
  name: z.string().min(1),
  image: z.string().min(1),
  contract: z.enum(CONTRACTS),
  port: count,
  readyPath: z.string().optional(),
  cpus: z.number().positive(),
  memoryBytes: z.int().positive(),
  timeoutMs: z.int().positive(),
  concurrency: z.int().positive(),
  gpus: z.int().positive().optional(),
  prewarm: z.union([count, z.literal('auto')]),
  idempotent: z.boolean(),
  env: z.record(z.string(), z.string()),
  network: z.enum(NETWORK_POLICIES),
  placement: placementPolicySchema.optional(),
  digest,
  imageBytes: count,
  arch: z.string().min(1).optional(),
  revision: z.int().positive(),
  updatedAt: z.string()
})

/** What came of a command that has an id: those of tasks have none, they know their repeats by themselves. */
const outcomeSchema: z.ZodType<Exclude<Outcome, { type: 'tasks-changed' }>> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['function-created', 'function-updated', 'function-unchanged']), function: functionRecordSchema }),
  z.strictObject({ type: z.literal('function-removed'), name: z.string(), revision: count }),
  z.strictObject({ type: z.literal('drain-set'), peer: z.string(), draining: z.boolean() }),
  z.strictObject({ type: z.literal('strategy-agreed'), strategy: agreedStrategySchema.nullable() }),
  z.strictObject({
    type: z.literal('refused'),
    code: z.enum(['revision_mismatch', 'not_found', 'limit_reached', 'conflict']),
    message: z.string()
  })
])

/** A remembered outcome. */
export const rememberedSchema: z.ZodType<Remembered> = z.strictObject({ seq: count, outcome: outcomeSchema })

/** Who votes and who only follows. */
export const configurationSchema: z.ZodType<Configuration> = z.strictObject({ voters: z.array(peerId), learners: z.array(peerId) })

/** The term and the vote in it. */
export const hardStateSchema: z.ZodType<HardState> = z.strictObject({ term: count, votedFor: peerId.nullable() })

/** Where the log was last cut. */
export const snapshotMetaSchema: z.ZodType<SnapshotMeta> = z.strictObject({ index: count, term: count, configuration: configurationSchema })

/** The snapshot that is on its way here. */
export const snapshotOfferSchema: z.ZodType<SnapshotOffer> = z.strictObject({
  snapshot: snapshotMetaSchema,
  bytes: count,
  checksum: z.int()
})

/** The cluster that a data directory belongs to. */
export const clusterUidSchema = branded<'ClusterUid'>() satisfies z.ZodType<ClusterUid>

/** A boot counter, log index or revision. */
export const countSchema = count

/** What peers are called, by their ids. */
export const nameListSchema = z.array(z.tuple([z.string(), z.string()]))

/** The latest lives of peers, by their ids: the number of the start, and when it was. */
export const lifeListSchema = z.array(z.tuple([z.string(), count, z.string()]))

/** Multiaddrs of one peer. */
export const addressListSchema = z.array(z.string())

/** Reads a function as the registry holds it. */
export const readFunctionRecord = quickReader(functionRecordSchema)

/** The last revision of a removed name. */
export const removedEntrySchema = z.tuple([z.string(), count])

/** A remembered outcome, after the id of its command. */
export const rememberedEntrySchema = z.tuple([z.string(), rememberedSchema])

/** What a snapshot says before its rows. */
export const registryHeadSchema = z.strictObject({
  /** The tables include the log up to here. */
  index: count,
  /** How many of each follow, in this order; what is remembered the oldest first. */
  removed: count,
  remembered: count,
  functions: count,
  tasks: count,
  draining: z.array(z.string()),
  /** Absent where nothing is agreed. */
  strategy: agreedStrategySchema.optional(),
  taskSeq: count
})
