import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  CONSTRAINTS_MAX,
  CONTRACTS,
  type FunctionRecord,
  type FunctionSpec,
  NETWORK_POLICIES,
  type PlacementPolicy
} from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import { OBJECTIVES, STRATEGY_NAMES } from '../model/placement.ts'
import { amount, list, oneOf, optional, refuse, required, text, toWhole, whole } from './check.ts'
import type {
  FunctionRecord as FunctionRecordMessage,
  FunctionRecordSchema,
  FunctionSpec as FunctionSpecMessage,
  FunctionSpecSchema,
  PlacementPolicy as PlacementPolicyMessage,
  PlacementPolicySchema
} from './generated/registry_pb.ts'
import { ID_CHARS_MAX, PATH_CHARS_MAX, TEXT_CHARS_MAX } from './limits.ts'
import { readPairs, writePairs } from './pairs.ts'

const PORT_MAX = 65_535

/** The message of a function record. */
export function writeFunction(record: FunctionRecord): MessageInitShape<typeof FunctionRecordSchema> {
  return {
    spec: writeSpec(record),
    digest: record.digest,
    imageBytes: toWhole(record.imageBytes, 'imageBytes'),
    ...optional('arch', record.arch),
    revision: toWhole(record.revision, 'revision'),
    updatedAt: record.updatedAt
  }
}

/** A function record. Throws `protocol`. */
export function readFunction(message: FunctionRecordMessage): FunctionRecord {
  return {
    ...readSpec(required(message.spec, 'spec')),
    digest: readDigest(message.digest),
    imageBytes: whole(message.imageBytes, 'imageBytes'),
    ...readArch(message),
    revision: whole(message.revision, 'revision'),
    updatedAt: text(message.updatedAt, 'updatedAt', TEXT_CHARS_MAX)
  }
}

/** A content address: not empty and not too long. Throws `protocol`. */
export function readDigest(value: string): Digest {
  return text(value, 'digest', TEXT_CHARS_MAX, { empty: false }) as Digest
}

/** The architecture of an image, where it is known. Throws `protocol`. */
export function readArch({ arch }: { readonly arch?: string | undefined }): Pick<FunctionRecord, 'arch'> {
  return arch === undefined ? {} : { arch: text(arch, 'arch', ID_CHARS_MAX, { empty: false }) }
}

/** The message of what a function is to be. */
export function writeSpec(spec: FunctionSpec): MessageInitShape<typeof FunctionSpecSchema> {
  return {
    name: spec.name,
    image: spec.image,
    contract: spec.contract,
    port: spec.port,
    ...optional('readyPath', spec.readyPath),
    cpus: spec.cpus,
    memoryBytes: toWhole(spec.memoryBytes, 'memoryBytes'),
    timeoutMs: toWhole(spec.timeoutMs, 'timeoutMs'),
    concurrency: spec.concurrency,
    ...optional('gpus', spec.gpus),
    ...(spec.prewarm === 'auto' ? { prewarmAuto: true } : { prewarm: spec.prewarm }),
    idempotent: spec.idempotent,
    env: writePairs(spec.env),
    network: spec.network,
    ...(spec.placement === undefined ? {} : { placement: writePlacement(spec.placement) })
  }
}

/** What a function is to be. Throws `protocol`. */
export function readSpec(message: FunctionSpecMessage): FunctionSpec {
  if (message.port > PORT_MAX) refuse(`port is larger than ${PORT_MAX}`)
  return {
    name: readName(message.name),
    image: text(message.image, 'image', TEXT_CHARS_MAX, { empty: false }),
    contract: oneOf(message.contract, 'contract', CONTRACTS),
    port: message.port,
    ...(message.readyPath === undefined ? {} : { readyPath: text(message.readyPath, 'readyPath', PATH_CHARS_MAX) }),
    cpus: amount(message.cpus, 'cpus'),
    memoryBytes: whole(message.memoryBytes, 'memoryBytes'),
    timeoutMs: whole(message.timeoutMs, 'timeoutMs'),
    concurrency: message.concurrency,
    ...optional('gpus', message.gpus === 0 ? undefined : message.gpus),
    prewarm: message.prewarmAuto ? 'auto' : message.prewarm,
    idempotent: message.idempotent,
    env: readPairs(message.env, 'env'),
    network: oneOf(message.network, 'network', NETWORK_POLICIES),
    ...(message.placement === undefined ? {} : { placement: readPlacement(message.placement) })
  }
}

/** The message of a placement policy, of a function or of one call. */
export function writePlacement({
  strategy,
  objective,
  maxCostUsd,
  require
}: PlacementPolicy): MessageInitShape<typeof PlacementPolicySchema> {
  return {
    ...optional('strategy', strategy),
    ...optional('objective', objective),
    ...optional('maxCostUsd', maxCostUsd),
    require: [...(require ?? [])]
  }
}

/** A placement policy, of a function or of one call. Throws `protocol`. */
export function readPlacement({ strategy, objective, maxCostUsd, require }: PlacementPolicyMessage): PlacementPolicy {
  return {
    ...(strategy === undefined ? {} : { strategy: oneOf(strategy, 'strategy', STRATEGY_NAMES) }),
    ...(objective === undefined ? {} : { objective: oneOf(objective, 'objective', OBJECTIVES) }),
    ...(maxCostUsd === undefined ? {} : { maxCostUsd: amount(maxCostUsd, 'maxCostUsd') }),
    // None and absent mean the same, and look the same.
    ...(require.length === 0
      ? {}
      : { require: list(require, 'require', CONSTRAINTS_MAX).map(each => text(each, 'require', TEXT_CHARS_MAX)) })
  }
}

/** The name of a function: not empty and not too long. Throws `protocol`. */
export function readName(value: string): string {
  return text(value, 'name', ID_CHARS_MAX, { empty: false })
}
