import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Configuration, ConsensusMessage, Entry } from '../model/consensus.ts'
import type { ClusterUid } from '../model/ids.ts'
import type { Heartbeat } from '../model/peer.ts'
import { readPeerId } from './call-codec.ts'
import { bytes, list, refuse, required, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type Configuration as ConfigurationMessage,
  type ConfigurationSchema,
  type ConsensusFrame as ConsensusFrameMessage,
  ConsensusFrameSchema,
  type ConsensusMessage as ConsensusMessageMessage,
  type ConsensusMessageSchema,
  type Entry as EntryMessage,
  type EntrySchema
} from './generated/consensus_pb.ts'
import { readCluster, readHeartbeat, writeHeartbeat } from './gossip-codec.ts'
import { COMMAND_BYTES_MAX, CONSENSUS_BYTES_MAX, ENTRIES_MAX, PEERS_MAX, SNAPSHOT_BYTES_MAX, SNAPSHOT_CHUNK_BYTES_MAX } from './limits.ts'

/** What one frame of the consensus stream carries. */
export type ConsensusFrame =
  | { readonly type: 'consensus'; readonly message: ConsensusMessage }
  | { readonly type: 'report'; readonly heartbeat: Heartbeat }

/** Frames of the consensus stream. The page is `protocols/consensus.md`. */
export const consensusCodec = createCodec({
  schema: ConsensusFrameSchema,
  name: 'consensus',
  bytesMax: CONSENSUS_BYTES_MAX,
  write: writeFrame,
  read: readFrame
})

function writeFrame(frame: ConsensusFrame): MessageInitShape<typeof ConsensusFrameSchema> {
  return frame.type === 'report'
    ? { kind: { case: 'report', value: writeHeartbeat(frame.heartbeat) } }
    : { kind: { case: 'consensus', value: { ...writeMessage(frame.message), cluster: frame.message.cluster ?? '' } } }
}

function readFrame({ kind }: ConsensusFrameMessage): ConsensusFrame {
  switch (kind.case) {
    case 'consensus':
      return { type: 'consensus', message: { ...readMessage(kind.value), ...readOrigin(kind.value) } }
    case 'report':
      return { type: 'report', heartbeat: readHeartbeat(kind.value) }
    default:
      return refuse('consensus: a frame of an unknown type')
  }
}

function readOrigin({ cluster }: ConsensusMessageMessage): { cluster?: ClusterUid } {
  return cluster === '' ? {} : { cluster: readCluster(cluster) }
}

function writeMessage(message: ConsensusMessage): MessageInitShape<typeof ConsensusMessageSchema> {
  const term = toWhole(message.term, 'term')
  switch (message.type) {
    case 'vote-request':
      return {
        term,
        kind: {
          case: 'voteRequest',
          value: {
            pre: message.pre,
            lastIndex: toWhole(message.lastIndex, 'lastIndex'),
            lastTerm: toWhole(message.lastTerm, 'lastTerm'),
            transfer: message.transfer
          }
        }
      }
    case 'vote-response':
      return { term, kind: { case: 'voteResponse', value: { pre: message.pre, granted: message.granted } } }
    case 'append-request':
      return {
        term,
        kind: {
          case: 'appendRequest',
          value: {
            prevIndex: toWhole(message.prevIndex, 'prevIndex'),
            prevTerm: toWhole(message.prevTerm, 'prevTerm'),
            entries: message.entries.map(writeEntry),
            commit: toWhole(message.commit, 'commit'),
            round: toWhole(message.round, 'round')
          }
        }
      }
    case 'append-response':
      return {
        term,
        kind: {
          case: 'appendResponse',
          value: {
            ok: message.ok,
            match: toWhole(message.match, 'match'),
            round: toWhole(message.round, 'round'),
            ...(message.contradicted === undefined
              ? {}
              : {
                  contradicted: {
                    index: toWhole(message.contradicted.index, 'index'),
                    term: toWhole(message.contradicted.term, 'term')
                  }
                })
          }
        }
      }
    case 'snapshot-request':
      return {
        term,
        kind: {
          case: 'snapshotRequest',
          value: {
            index: toWhole(message.snapshot.index, 'index'),
            term: toWhole(message.snapshot.term, 'term'),
            configuration: writeConfiguration(message.snapshot.configuration),
            bytes: toWhole(message.bytes, 'bytes'),
            checksum: message.checksum,
            offset: toWhole(message.offset, 'offset'),
            data: message.data,
            dataChecksum: message.dataChecksum,
            round: toWhole(message.round, 'round')
          }
        }
      }
    case 'snapshot-response':
      return {
        term,
        kind: {
          case: 'snapshotResponse',
          value: {
            index: toWhole(message.index, 'index'),
            received: toWhole(message.received, 'received'),
            round: toWhole(message.round, 'round')
          }
        }
      }
    case 'timeout-now':
      return { term, kind: { case: 'timeoutNow', value: {} } }
    default:
      return refuse('consensus: a message of an unknown type')
  }
}

function readMessage({ term: rawTerm, kind }: ConsensusMessageMessage): ConsensusMessage {
  const term = whole(rawTerm, 'term')
  switch (kind.case) {
    case 'voteRequest':
      return {
        type: 'vote-request',
        term,
        pre: kind.value.pre,
        lastIndex: whole(kind.value.lastIndex, 'lastIndex'),
        lastTerm: whole(kind.value.lastTerm, 'lastTerm'),
        transfer: kind.value.transfer
      }
    case 'voteResponse':
      return { type: 'vote-response', term, pre: kind.value.pre, granted: kind.value.granted }
    case 'appendRequest':
      return {
        type: 'append-request',
        term,
        prevIndex: whole(kind.value.prevIndex, 'prevIndex'),
        prevTerm: whole(kind.value.prevTerm, 'prevTerm'),
        entries: list(kind.value.entries, 'entries', ENTRIES_MAX).map(readEntry),
        commit: whole(kind.value.commit, 'commit'),
        round: whole(kind.value.round, 'round')
      }
    case 'appendResponse':
      return {
        type: 'append-response',
        term,
        ok: kind.value.ok,
        match: whole(kind.value.match, 'match'),
        round: whole(kind.value.round, 'round'),
        ...(kind.value.contradicted === undefined
          ? {}
          : { contradicted: { index: whole(kind.value.contradicted.index, 'index'), term: whole(kind.value.contradicted.term, 'term') } })
      }
    case 'snapshotRequest':
      return {
        type: 'snapshot-request',
        term,
        snapshot: {
          index: whole(kind.value.index, 'index'),
          term: whole(kind.value.term, 'term'),
          configuration: readConfiguration(kind.value.configuration)
        },
        bytes: atMost(whole(kind.value.bytes, 'bytes'), 'bytes', SNAPSHOT_BYTES_MAX),
        checksum: kind.value.checksum,
        offset: whole(kind.value.offset, 'offset'),
        data: bytes(kind.value.data, 'data', SNAPSHOT_CHUNK_BYTES_MAX),
        dataChecksum: kind.value.dataChecksum,
        round: whole(kind.value.round, 'round')
      }
    case 'snapshotResponse':
      return {
        type: 'snapshot-response',
        term,
        index: whole(kind.value.index, 'index'),
        received: whole(kind.value.received, 'received'),
        round: whole(kind.value.round, 'round')
      }
    case 'timeoutNow':
      return { type: 'timeout-now', term }
    default:
      return refuse('consensus: a message of an unknown type')
  }
}

function writeEntry(entry: Entry): MessageInitShape<typeof EntrySchema> {
  const position = { index: toWhole(entry.index, 'index'), term: toWhole(entry.term, 'term') }
  switch (entry.kind) {
    case 'noop':
      return { ...position, kind: { case: 'noop', value: {} } }
    case 'configuration':
      return { ...position, kind: { case: 'configuration', value: writeConfiguration(entry.configuration) } }
    case 'command':
      return { ...position, kind: { case: 'command', value: entry.command } }
    default:
      return refuse('consensus: an entry of an unknown kind')
  }
}

function readEntry({ index, term, kind }: EntryMessage): Entry {
  const position = { index: whole(index, 'index'), term: whole(term, 'term') }
  switch (kind.case) {
    case 'noop':
      return { ...position, kind: 'noop' }
    case 'configuration':
      return { ...position, kind: 'configuration', configuration: readConfiguration(kind.value) }
    case 'command':
      // A copy: entries stay in memory, and a view would keep the whole read of the socket with it.
      return { ...position, kind: 'command', command: bytes(kind.value, 'command', COMMAND_BYTES_MAX).slice() }
    default:
      return refuse('consensus: an entry of an unknown kind')
  }
}

function writeConfiguration({ voters, learners }: Configuration): MessageInitShape<typeof ConfigurationSchema> {
  return { voters: [...voters], learners: [...learners] }
}

function atMost(value: number, name: string, max: number): number {
  return value <= max ? value : refuse(`${name} is ${value}, more than ${max}`)
}

function readConfiguration(message: ConfigurationMessage | undefined): Configuration {
  const { voters, learners } = required(message, 'configuration')
  return {
    voters: list(voters, 'voters', PEERS_MAX).map(voter => readPeerId(voter, 'voter')),
    learners: list(learners, 'learners', PEERS_MAX).map(learner => readPeerId(learner, 'learner'))
  }
}
