import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Spool, SpoolFile } from '../model/ports/spool.ts'
import { diskError } from './disk-error.ts'

const NAME_BYTES = 8

/** A spool in a folder, which is made when it is first needed. */
export function createSpool(folder: string): Spool {
  return {
    create: async () => {
      const path = join(folder, `${randomBytes(NAME_BYTES).toString('hex')}.part`)
      try {
        await mkdir(folder, { recursive: true })
        const handle = await open(path, 'wx+', 0o600)
        // Without a name from the start: the system takes the bytes back when the process ends, however it ends.
        await unlink(path)
        return new UnnamedFile(handle)
      } catch (cause) {
        throw diskError('keep an image on its way', cause)
      }
    }
  }
}

class UnnamedFile implements SpoolFile {
  readonly #handle: FileHandle
  #bytes = 0

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async append(parts: readonly Uint8Array[]): Promise<void> {
    try {
      let left = parts.filter(({ length }) => length > 0)
      while (left.length > 0) {
        const { bytesWritten } = await this.#handle.writev(left, this.#bytes)
        this.#bytes += bytesWritten
        left = after(left, bytesWritten)
      }
    } catch (cause) {
      throw diskError('keep an image on its way', cause)
    }
  }

  async read(offset: number, bytesMax: number): Promise<Uint8Array> {
    try {
      const buffer = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(0, this.#bytes - offset)))
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, offset)
      return buffer.subarray(0, bytesRead)
    } catch (cause) {
      throw diskError('read an image on its way', cause)
    }
  }

  async remove(): Promise<void> {
    await this.#handle.close()
  }
}

/** What is left of `parts` without their first `bytes`: a disk may take less than it is given. */
function after(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const left: Uint8Array[] = []
  for (const part of parts) {
    if (bytes < part.length) left.push(part.subarray(bytes))
    bytes = Math.max(0, bytes - part.length)
  }
  return left
}
