import { networkInterfaces } from 'node:os'
import { bootstrap } from '@libp2p/bootstrap'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { AddressSorter, Libp2p, PrivateKey } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { type Ping, ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import type { Logger } from '../model/ports/logger.ts'
import { GOSSIP_BYTES_MAX } from '../wire/limits.ts'
import { corkedTcp } from './corked-tcp.ts'
import { usableAddresses } from './addresses.ts'
import { type ClusterId, formatClusterId } from './cluster-id.ts'
import { leanNoise } from './lean-noise.ts'
import { type Libp2pLogLevel, libp2pLogger } from './libp2p-logger.ts'
import { secretHandshake } from './secret-handshake.ts'
import { patientYamux } from './patient-yamux.ts'

/** The protocols of libp2p that a peer runs; CARES has its own beside them, see `protocols.ts`. */
export type Services = { readonly pubsub: GossipSub; readonly identify: Identify; readonly ping: Ping; readonly dht: KadDHT }
/** A libp2p node as {@link createNode} makes it. */
export type Node = Libp2p<Services>

export interface NodeInit {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  /** In place of the addresses that are found. Empty: those. */
  readonly announce: readonly string[]
  /** Those without a peer are left to the mesh: libp2p dials none whose id it does not know. */
  readonly bootstrap: readonly ClusterId[]
  /** Undefined: the cluster is open. */
  readonly secret: string | undefined
  /** Longest a dial may take; half of it for each address. */
  readonly dialMs: number
  readonly addressSorter: AddressSorter
  readonly logLevel: Libp2pLogLevel
}

/** Open streams per protocol and connection. The defaults of 32 and 64 reset streams of a busy peer. */
export const STREAMS_MAX = 4_096
/** yamux counts both ways together with its own bookkeeping. */
const MUXED_STREAMS_MAX = 8_192
/** With yamux' default of 16 MiB, bulk starves the opening of other streams, pings among them. */
const STREAM_WINDOW_BYTES_MAX = 1_048_576
/** A cluster of 100 peers behind one address may start at once; the default of 5 a second refuses most of them. */
const INBOUND_PER_SECOND_MAX = 1_000
const INBOUND_PENDING_MAX = 256
/** A peer that stalls right after connecting would hold gossip to all others for the default of 10 s. */
const NEGOTIATION_MS_MAX = 3_000
/**
 * Span of the moving averages in libp2p's adaptive time-outs. They read the wall clock: set back by an hour, an average over the default of
 * some seconds overflows to NaN for good, and every later request with it. Over a span of 30,000 years the average stands still instead, and
 * no clock can break it.
 */
const AVERAGE_SPAN_MS = 1e15
/** With the default of 1, two pings over one connection collide. */
const PING_STREAMS_MAX = 64

/** libp2p with the settings that a cluster on a LAN or on one machine needs; the defaults are for large public networks. Not started. */
export async function createNode(init: NodeInit, { log }: { log: Logger }): Promise<Node> {
  const seeds = init.bootstrap.flatMap(({ address, peer }) => (peer === undefined ? [] : [formatClusterId({ address, peer })]))
  return createLibp2p<Services>({
    privateKey: init.privateKey,
    start: false,
    logger: libp2pLogger(log, init.logLevel),
    addresses: {
      listen: [...init.listen],
      announce: [...init.announce],
      announceFilter: addresses => (init.announce.length > 0 ? addresses : usableAddresses(addresses, networkInterfaces()))
    },
    transports: [corkedTcp()],
    connectionEncrypters: [leanNoise()],
    streamMuxers: [
      patientYamux({
        // `ConnectionMonitor` asks more often.
        enableKeepAlive: false,
        maxInboundStreams: MUXED_STREAMS_MAX,
        maxOutboundStreams: MUXED_STREAMS_MAX,
        maxEarlyStreams: STREAMS_MAX,
        streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX }
      })
    ],
    connectionProtector: secretHandshake(init.secret),
    connectionManager: {
      inboundConnectionThreshold: INBOUND_PER_SECOND_MAX,
      maxIncomingPendingConnections: INBOUND_PENDING_MAX,
      outboundStreamProtocolNegotiationTimeout: NEGOTIATION_MS_MAX,
      dialTimeout: init.dialMs,
      // Half, so that a dead first address leaves time for the second.
      addressDialTimeout: Math.ceil(init.dialMs / 2),
      // The mesh reconnects by itself and does not give up.
      reconnectRetries: 0,
      addressSorter: init.addressSorter
    },
    // By default an address is forgotten an hour after it was first seen, however often since: old clusters would not find together again after a partition.
    peerStore: { maxAddressAge: Number.POSITIVE_INFINITY, maxPeerAge: Number.POSITIVE_INFINITY },
    // See `ConnectionMonitor`, which takes its place.
    connectionMonitor: { enabled: false },
    ...(seeds.length === 0 ? {} : { peerDiscovery: [bootstrap({ list: seeds })] }),
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: PING_STREAMS_MAX, maxOutboundStreams: PING_STREAMS_MAX }),
      dht: kadDHT({
        protocol: '/cares/kad/1.0.0',
        clientMode: false,
        allowQueryWithZeroPeers: true,
        peerInfoMapper: passthroughMapper,
        networkDialTimeout: { interval: AVERAGE_SPAN_MS },
        pingNewContactTimeout: { interval: AVERAGE_SPAN_MS },
        pingOldContactTimeout: { interval: AVERAGE_SPAN_MS }
      }),
      pubsub: gossipsub({
        globalSignaturePolicy: 'StrictSign',
        // Who said it and its number there: no hash of the payload. The field is `seqno`; with a wrong name every message looks like the first.
        fastMsgIdFn: ({ from, seqno }) => `${Buffer.from(from ?? []).toString('base64')} ${Buffer.from(seqno ?? []).toString('base64')}`,
        // More than ten peers behind one address would otherwise be silenced without an error.
        // One that was frozen has not kept what it promised, and is not to be silenced for that.
        scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0 },
        fallbackToFloodsub: false,
        // In a mesh in which every peer is connected to every other one, each publisher tells all the others itself: one copy of each message.
        floodPublish: true,
        allowPublishToZeroTopicPeers: true,
        maxInboundDataLength: 2 * GOSSIP_BYTES_MAX,
        D: 1,
        Dlo: 0,
        Dhi: 1,
        Dscore: 0,
        Dout: 0,
        // A peer that missed a message gets it from one of those that tell it, once a second, what they have.
        Dlazy: 2,
        gossipFactor: 0
      })
    }
  })
}
