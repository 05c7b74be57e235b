import { createHash } from 'node:crypto'
import type { ContentRouting } from '@libp2p/interface'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import type { Digest, PeerId } from '../model/ids.ts'
import type { ImageDirectory } from '../model/ports/image-directory.ts'
import type { Logger } from '../model/ports/logger.ts'

/** Codes of raw bytes and of SHA-256 in the table of multicodec. */
const RAW = 0x55
const SHA2_256 = 0x12

/** Providers that are worth a try; the DHT may go on for long to find one more. */
const PROVIDERS_MAX = 8

/** Provider records of the cluster's DHT, under the content address of the image. */
export function createImageDirectory(dht: Pick<ContentRouting, 'provide' | 'findProviders'>, log: Logger): ImageDirectory {
  return {
    provide: digest => {
      dht.provide(toCid(digest)).catch((err: unknown) => log.debug({ err }, 'image not announced'))
    },
    providers: async (digest, { signal }) => {
      const found: PeerId[] = []
      try {
        for await (const { id } of dht.findProviders(toCid(digest), { signal })) {
          found.push(id.toString() as PeerId)
          if (found.length >= PROVIDERS_MAX) break
        }
      } catch (err) {
        // It ran out of time, or knows nobody yet: what was found until then counts.
        log.debug({ err }, 'providers not found')
      }
      return found
    }
  }
}

/** Hashed again: a digest is what an engine calls its image, which need not be a hash. */
function toCid(digest: Digest): CID {
  return CID.createV1(RAW, create(SHA2_256, createHash('sha256').update(digest).digest()))
}
