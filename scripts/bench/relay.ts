/**
 * What the messages of a call cost by themselves: three processes hand a token on as gateway, orchestrator and worker hand on a call that crosses
 * all three, over bare TCP, with nothing of CARES between read and write.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

/** About what a call of 1 KiB is on the wire. */
const TOKEN_BYTES = 1_200

/** Who holds the token after each message: call, placed, order, answer. The gateway is 0, the orchestrator 1, the worker 2. */
const ROUTE = [0, 1, 0, 2, 0]

/** Calls `onToken` for each whole token, with the place on the route that its first byte tells. */
function readTokens(socket: Socket, onToken: (place: number) => void): void {
  let have = 0
  let place = 0
  socket.setNoDelay(true).on('data', chunk => {
    for (let at = 0; at < chunk.length; ) {
      if (have === 0) place = chunk[at] ?? 0
      const taken = Math.min(TOKEN_BYTES - have, chunk.length - at)
      have += taken
      at += taken
      if (have === TOKEN_BYTES) {
        have = 0
        onToken(place)
      }
    }
  })
}

function send(socket: Socket, place: number): void {
  const token = Buffer.alloc(TOKEN_BYTES)
  token[0] = place
  socket.write(token)
}

/** Serves tokens on a free port, and hands them on to the others once it is told their ports. */
function serve(self: number): void {
  const next = new Map<number, Socket>()
  const server = createServer(client => {
    readTokens(client, place => {
      const to = ROUTE[place + 1]
      if (to === undefined) send(clientOf(client), place)
      else send(next.get(to) as Socket, place + 1)
    })
  })
  /** The first to connect to the gateway is who measures. */
  let first: Socket | undefined
  const clientOf = (socket: Socket): Socket => first ?? socket
  server.once('connection', socket => {
    first = socket
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.(typeof address === 'object' ? address?.port : undefined)
  })
  process.once('message', (ports: number[]) => {
    void connectTo(ports).then(() => process.send?.('connected'))
  })
  const connectTo = async (ports: readonly number[]): Promise<void> => {
    for (const [peer, port] of ports.entries()) {
      if (peer === self) continue
      const socket = connect(port, '127.0.0.1').setNoDelay(true)
      await once(socket, 'connect')
      next.set(peer, socket)
    }
  }
}

/** Three processes that hand a token on. */
export class Relay {
  readonly #processes: readonly ChildProcess[]
  readonly #client: Socket
  #arrived: (() => void) | undefined

  private constructor(processes: readonly ChildProcess[], client: Socket) {
    this.#processes = processes
    this.#client = client
    readTokens(client, () => this.#arrived?.())
  }

  static async start(): Promise<Relay> {
    const processes = [0, 1, 2].map(peer => fork(fileURLToPath(import.meta.url), [String(peer)]))
    const ports = await Promise.all(processes.map(async child => ((await once(child, 'message')) as [number])[0]))
    const client = connect(ports[0] ?? 0, '127.0.0.1')
    await once(client, 'connect')
    for (const child of processes) {
      child.send(ports)
      await once(child, 'message')
    }
    return new Relay(processes, client)
  }

  /** Milliseconds until a token has gone all the way and is back. */
  async time(): Promise<number> {
    const startedAt = performance.now()
    await new Promise<void>(resolve => {
      this.#arrived = resolve
      send(this.#client, 0)
    })
    return performance.now() - startedAt
  }

  stop(): void {
    this.#client.destroy()
    for (const child of this.#processes) child.kill()
  }
}

const self = process.argv[1] === fileURLToPath(import.meta.url) ? process.argv[2] : undefined
if (self !== undefined) serve(Number(self))
