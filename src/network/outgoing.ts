import type { PeerId } from '../model/ids.ts'
import type { ClusterDigest, Heartbeat } from '../model/peer.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Codec } from '../wire/codec.ts'

/** The bytes of a best-effort message; undefined, with a word in the log, when it cannot be sent as it is. */
export function encodeOrLog<Value>(codec: Codec<Value>, value: Value, log: Logger): Uint8Array | undefined {
  try {
    return codec.encode(value)
  } catch (err) {
    log.error({ err }, 'a message cannot be sent')
    return undefined
  }
}

/** Whether what `from` says is about itself: its own heartbeat, or the digest of the orchestrator that it claims to be. */
export function speaksForItself(value: Heartbeat | ClusterDigest, from: PeerId): boolean {
  return ('profile' in value ? value.profile.id : value.orchestrator) === from
}
