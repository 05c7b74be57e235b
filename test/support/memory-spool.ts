import type { Spool } from '../../src/model/ports/spool.ts'

/** A spool in memory. */
export function createMemorySpool(): Spool {
  return {
    create: async () => {
      let all = Buffer.alloc(0)
      return {
        append: async parts => {
          all = Buffer.concat([all, ...parts])
        },
        read: async (offset, bytesMax) => all.subarray(offset, offset + bytesMax),
        remove: async () => {
          all = Buffer.alloc(0)
        }
      }
    }
  }
}
