import type { MessageInitShape } from '@bufbuild/protobuf'
import type { PeerId } from '../model/ids.ts'
import { START_KINDS } from '../model/invocation.ts'
import type { KnownObservations, SharedObservation } from '../model/observation.ts'
import { readPeerId } from './call-codec.ts'
import { amount, list, oneOf, optional, text, toWhole, whole } from './check.ts'
import type { AskObservations, AskObservationsSchema, Observation, ObservationSchema } from './generated/control_pb.ts'
import { ID_CHARS_MAX, OBSERVATIONS_MAX, ORIGINS_MAX, TEXT_CHARS_MAX } from './limits.ts'
import { readDigest } from './function-codec.ts'

/** Of one call's parameters. */
const PARAMS_CHARS_MAX = 256

/** The message of what a peer knows. */
export function writeKnown(known: KnownObservations): MessageInitShape<typeof AskObservationsSchema> {
  return { known: Object.entries(known).map(([origin, seq]) => ({ origin, seq: toWhole(seq, 'seq') })) }
}

/** What the asker knows. Throws `protocol`. */
export function readKnown({ known }: AskObservations): KnownObservations {
  const known_: Record<PeerId, number> = Object.create(null) as Record<PeerId, number>
  for (const { origin, seq } of list(known, 'known', ORIGINS_MAX)) known_[readPeerId(origin, 'origin')] = whole(seq, 'seq')
  return { ...known_ }
}

/** The message of one observation. */
export function writeObservation(observation: SharedObservation): MessageInitShape<typeof ObservationSchema> {
  const { params, cpuMs, memoryPeakBytes, llcBytes, llcUsedBytes, seq, ...rest } = observation
  return {
    ...rest,
    seq: toWhole(seq, 'seq'),
    ...optional('params', params),
    ...optional('cpuMs', cpuMs),
    ...optional('memoryPeakBytes', memoryPeakBytes),
    ...optional('llcBytes', llcBytes),
    ...optional('llcUsedBytes', llcUsedBytes)
  }
}

/** One observation. Throws `protocol`. */
function readObservation(message: Observation): SharedObservation {
  return {
    origin: readPeerId(message.origin, 'origin'),
    seq: whole(message.seq, 'seq'),
    at: text(message.at, 'at', TEXT_CHARS_MAX),
    function: text(message.function, 'function', ID_CHARS_MAX, { empty: false }),
    digest: readDigest(message.digest),
    peer: readPeerId(message.peer, 'peer'),
    start: oneOf(message.start, 'start', START_KINDS),
    ...(message.params === undefined ? {} : { params: text(message.params, 'params', PARAMS_CHARS_MAX) }),
    inputBytes: amount(message.inputBytes, 'inputBytes'),
    outputBytes: amount(message.outputBytes, 'outputBytes'),
    pullMs: amount(message.pullMs, 'pullMs'),
    startMs: amount(message.startMs, 'startMs'),
    runMs: amount(message.runMs, 'runMs'),
    ...(message.cpuMs === undefined ? {} : { cpuMs: amount(message.cpuMs, 'cpuMs') }),
    ...(message.memoryPeakBytes === undefined ? {} : { memoryPeakBytes: amount(message.memoryPeakBytes, 'memoryPeakBytes') }),
    ...(message.llcBytes === undefined ? {} : { llcBytes: amount(message.llcBytes, 'llcBytes') }),
    ...(message.llcUsedBytes === undefined ? {} : { llcUsedBytes: amount(message.llcUsedBytes, 'llcUsedBytes') }),
    clean: message.clean
  }
}

/** Observations of one answer. Throws `protocol` when there are too many. */
export function readObservations(messages: readonly Observation[]): readonly SharedObservation[] {
  return list(messages, 'observations', OBSERVATIONS_MAX).map(readObservation)
}
