import { accessSync, constants } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectSocket } from 'node:net'

/** Where containerd listens: as the machine's own service, and where Docker has started it for itself. */
const SOCKETS = ['/run/containerd/containerd.sock', '/var/run/docker/containerd/containerd.sock']

/** Docker's name in containerd, under which it keeps its containers by their ids. */
const NAMESPACE = 'moby'

/** How protobuf begins the two fields that are used: their number, and that a text of so many bytes follows, or a number. */
const CONTAINER_ID = 0x0a
const EXIT_STATUS = 0x08

/** gRPC over HTTP/2 puts before each message whether it is compressed, in one byte, and its length, in four. */
const FRAME_HEAD_BYTES = 5

/**
 * containerd, which runs the containers of an engine on this machine. It knows how one has ended at once; Docker tells only after it has torn
 * everything down, which takes it some 30 ms more. Asked by its public API (`containerd.services.tasks.v1`), and only by who may: root, mostly.
 */
export class Containerd {
  readonly #path: string
  #session: ClientHttp2Session | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Resolves with the exit status of a container's first process when that has ended; with undefined where containerd cannot tell. Never rejects. */
  exitStatus(container: string): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    try {
      const stream = this.#connected().request({
        ':method': 'POST',
        ':path': '/containerd.services.tasks.v1.Tasks/Wait',
        'content-type': 'application/grpc',
        te: 'trailers',
        'containerd-namespace': NAMESPACE
      })
      let answer = Buffer.alloc(0)
      stream.on('data', (chunk: Buffer) => {
        answer = Buffer.concat([answer, chunk])
        const message = messageOf(answer)
        if (message !== undefined) resolve(readExitStatus(message))
      })
      stream.on('error', () => resolve(undefined))
      stream.on('close', () => resolve(undefined))
      stream.end(frame(Buffer.from([CONTAINER_ID, container.length, ...Buffer.from(container)])))
    } catch {
      resolve(undefined)
    }
    return promise
  }

  close(): void {
    this.#session?.destroy()
    this.#session = undefined
  }

  #connected(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session
    const session = connect('http://containerd', { createConnection: () => connectSocket(this.#path) })
    // Its requests tell.
    session.on('error', () => {})
    session.unref()
    this.#session = session
    return session
  }
}

/** The one of this machine, if there is any where it is looked for, and this process may use it. */
export function findContainerd(): Containerd | undefined {
  const path = SOCKETS.find(mayUse)
  return path === undefined ? undefined : new Containerd(path)
}

function mayUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

function frame(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** The first message, once all of it is there. */
function messageOf(bytes: Buffer): Uint8Array | undefined {
  if (bytes.length < FRAME_HEAD_BYTES) return undefined
  const end = FRAME_HEAD_BYTES + bytes.readUInt32BE(1)
  return bytes.length < end ? undefined : bytes.subarray(FRAME_HEAD_BYTES, end)
}

/** From a `WaitResponse`, whose first field it is; it is not written when it is 0. At most 255, it takes one byte or two. */
export function readExitStatus(message: Uint8Array): number {
  const [field, low = 0, high = 0] = message
  if (field !== EXIT_STATUS) return 0
  return low < 0x80 ? low : (low & 0x7f) | (high << 7)
}
