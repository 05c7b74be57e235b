import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CaresError } from '../model/errors.ts'
import type { Digest } from '../model/ids.ts'
import type { BlobDraft, BlobStore, StoredBlob } from '../model/ports/blob-store.ts'
import type { Clock } from '../model/ports/clock.ts'
import { formatBytes } from '../model/units.ts'
import { diskError } from './disk-error.ts'

/** The digits become the name of a file, so nothing else may pass. */
const ADDRESS = /^sha256:([0-9a-f]{64})$/
const FILE = /^[0-9a-f]{64}$/
const DRAFT_ENDING = '.part'
const DRAFT_NAME_BYTES = 8

export interface BlobFilesInit {
  /** Made when it is first needed. */
  readonly folder: string
  /** What all blobs together may take. */
  readonly roomBytes: number
}

/** Blobs as files that are named by their content. What a stopped process had begun is thrown away at the start. */
export class BlobFiles implements BlobStore {
  readonly #init: BlobFilesInit
  readonly #clock: Clock
  readonly #blobs = new Map<Digest, StoredBlob>()
  /** Bytes of all blobs and drafts. */
  #takenBytes = 0

  constructor(init: BlobFilesInit, { clock }: { clock: Clock }) {
    this.#init = init
    this.#clock = clock
  }

  async start(): Promise<void> {
    const { folder } = this.#init
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) {
        if (name.endsWith(DRAFT_ENDING)) await rm(join(folder, name), { force: true })
        if (!FILE.test(name) || this.#blobs.has(addressOf(name))) continue
        const { size: bytes } = await stat(join(folder, name))
        this.#blobs.set(addressOf(name), { digest: addressOf(name), bytes, usedAtMs: this.#clock.nowMs() })
        this.#takenBytes += bytes
      }
    } catch (cause) {
      throw diskError('look at the inputs and results of tasks', cause)
    }
  }

  async stop(): Promise<void> {}

  async create(): Promise<BlobDraft> {
    const path = join(this.#init.folder, `${randomBytes(DRAFT_NAME_BYTES).toString('hex')}${DRAFT_ENDING}`)
    try {
      const handle = await open(path, 'wx', 0o600)
      return new Draft(path, handle, { take: bytes => this.#take(bytes), keep: blob => this.#keep(path, blob) })
    } catch (cause) {
      throw diskError('keep an input or result of a task', cause)
    }
  }

  find(digest: Digest): StoredBlob | undefined {
    const known = this.#blobs.get(digest)
    if (known === undefined) return undefined
    const used = { ...known, usedAtMs: this.#clock.nowMs() }
    this.#blobs.set(digest, used)
    return used
  }

  async read(digest: Digest, offset: number, bytesMax: number): Promise<Uint8Array> {
    const found = this.find(digest)
    if (found === undefined) throw new CaresError('not_found', 'this peer has no such blob')
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(bytesMax, found.bytes - offset)))
    try {
      const handle = await open(this.#pathOf(digest), 'r')
      try {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    } catch (cause) {
      throw diskError('read an input or result of a task', cause)
    }
  }

  list(): readonly StoredBlob[] {
    return [...this.#blobs.values()]
  }

  async remove(digest: Digest): Promise<void> {
    const known = this.#blobs.get(digest)
    if (known === undefined) return
    this.#blobs.delete(digest)
    this.#takenBytes -= known.bytes
    await rm(this.#pathOf(digest), { force: true }).catch((cause: unknown) => {
      throw diskError('remove an input or result of a task', cause)
    })
  }

  /** Takes room, or, below zero, gives it back. */
  #take(bytes: number): void {
    const { roomBytes } = this.#init
    if (bytes > 0 && this.#takenBytes + bytes > roomBytes) {
      const taken = `${formatBytes(this.#takenBytes)} of ${formatBytes(roomBytes)}`
      throw new CaresError('limit_reached', `the room for large inputs and results of tasks is full: ${taken} on this peer`, {
        retryable: true,
        hint: 'wait until tasks with large inputs or results are over and forgotten, or give peers more room: --task-room'
      })
    }
    this.#takenBytes += bytes
  }

  async #keep(path: string, { digest, bytes }: Pick<StoredBlob, 'digest' | 'bytes'>): Promise<StoredBlob> {
    if (this.#blobs.has(digest)) await rm(path, { force: true })
    else await rename(path, this.#pathOf(digest))
    const folder = await open(this.#init.folder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
    // Two drafts of the same content may have come to an end together.
    if (this.#blobs.has(digest)) this.#take(-bytes)
    const kept = { digest, bytes, usedAtMs: this.#clock.nowMs() }
    this.#blobs.set(digest, kept)
    return kept
  }

  #pathOf(digest: Digest): string {
    const name = ADDRESS.exec(digest)?.[1]
    if (name === undefined) throw new CaresError('invalid', 'a blob is named by sha256: and 64 hexadecimal digits')
    return join(this.#init.folder, name)
  }
}

interface DraftOwner {
  readonly take: (bytes: number) => void
  readonly keep: (blob: Pick<StoredBlob, 'digest' | 'bytes'>) => Promise<StoredBlob>
}

class Draft implements BlobDraft {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #owner: DraftOwner
  readonly #hash = createHash('sha256')
  #bytes = 0

  constructor(path: string, handle: FileHandle, owner: DraftOwner) {
    this.#path = path
    this.#handle = handle
    this.#owner = owner
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#owner.take(chunk.length)
    this.#bytes += chunk.length
    try {
      await this.#handle.writeFile(chunk)
    } catch (cause) {
      throw diskError('keep an input or result of a task', cause)
    }
    this.#hash.update(chunk)
  }

  async keep(): Promise<StoredBlob> {
    try {
      await this.#handle.sync()
      await this.#handle.close()
      return await this.#owner.keep({ digest: addressOf(this.#hash.digest('hex')), bytes: this.#bytes })
    } catch (cause) {
      throw diskError('keep an input or result of a task', cause)
    }
  }

  async discard(): Promise<void> {
    this.#owner.take(-this.#bytes)
    await this.#handle.close().catch(() => {}) // It may be closed already.
    // What cannot be removed now is thrown away at the next start; why the draft is discarded must not be hidden by it.
    await rm(this.#path, { force: true }).catch(() => {})
  }
}

function addressOf(name: string): Digest {
  return `sha256:${name}` as Digest
}
