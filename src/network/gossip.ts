import { type GossipSub, type Message, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId } from '../model/ids.ts'
import type { ClusterDigest, Heartbeat } from '../model/peer.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Codec } from '../wire/codec.ts'
import { digestCodec, heartbeatCodec } from '../wire/gossip-codec.ts'
import type { Hearing } from './hearing.ts'
import type { Listeners } from './listeners.ts'
import { toPeerId } from './parse-address.ts'
import { encodeOrLog, speaksForItself } from './outgoing.ts'

const HEARTBEAT_TOPIC = 'cares/heartbeat/1'
const DIGEST_TOPIC = 'cares/digest/1'

export interface GossipComponents {
  readonly self: PeerId
  readonly pubsub: GossipSub
  readonly listeners: Listeners
  readonly hearing: Hearing
  readonly log: Logger
}

/** The two gossip topics. A message is decoded and checked before it is passed on; the publisher is who signed it. */
export class Gossip {
  readonly #components: GossipComponents

  constructor(components: GossipComponents) {
    this.#components = components
  }

  start(): void {
    const { pubsub, listeners } = this.#components
    this.#subscribe(HEARTBEAT_TOPIC, heartbeatCodec, (from, heartbeat) => listeners.emit('heartbeat', from, heartbeat, 'gossip'))
    this.#subscribe(DIGEST_TOPIC, digestCodec, (from, digest) => listeners.emit('digest', from, digest))
    pubsub.subscribe(HEARTBEAT_TOPIC)
    pubsub.subscribe(DIGEST_TOPIC)
  }

  publishHeartbeat(heartbeat: Heartbeat): void {
    this.#publish(HEARTBEAT_TOPIC, heartbeatCodec, heartbeat)
  }

  publishDigest(digest: ClusterDigest): void {
    this.#publish(DIGEST_TOPIC, digestCodec, digest)
  }

  #publish<Value>(topic: string, codec: Codec<Value>, value: Value): void {
    const { pubsub, log } = this.#components
    const bytes = encodeOrLog(codec, value, log)
    if (bytes === undefined) return
    void pubsub.publish(topic, bytes).catch((err: unknown) => {
      // Best effort: the next one follows soon (`heartbeatIntervalMs`).
      log.debug({ err, topic }, 'not published')
    })
  }

  #subscribe<Value extends Heartbeat | ClusterDigest>(
    topic: string,
    codec: Codec<Value>,
    deliver: (from: PeerId, value: Value) => void
  ): void {
    const { self, pubsub, hearing, log } = this.#components
    pubsub.topicValidators.set(topic, (propagator, message) => {
      hearing.note(toPeerId(propagator))
      const received = read(message, codec)
      if (received === undefined) {
        log.warn({ topic, propagator: propagator.toString() }, 'gossip refused')
        return TopicValidatorResult.Reject
      }
      if (received.from !== self) deliver(received.from, received.value)
      return TopicValidatorResult.Accept
    })
  }
}

function read<Value extends Heartbeat | ClusterDigest>(message: Message, codec: Codec<Value>): { from: PeerId; value: Value } | undefined {
  if (message.type !== 'signed') return undefined
  const from = message.from.toString() as PeerId
  try {
    const value = codec.decode(message.data)
    return speaksForItself(value, from) ? { from, value } : undefined
  } catch {
    // Refused by the caller, with a word in the log; the decoder throws nothing but `protocol`.
    return undefined
  }
}
