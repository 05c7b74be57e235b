import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { TcpConnection } from '../../src/model/ports/tcp.ts'
import { createTcp } from '../../src/network/tcp.ts'

const HOST = '127.0.0.1'

describe('TCP', () => {
  const tcp = createTcp({ host: HOST })
  const { signal } = new AbortController()
  let port: number
  let taken: (connection: TcpConnection) => Promise<void>
  let listener: Disposable

  beforeEach(async () => {
    port = await freePort()
    taken = async () => {}
    listener = await tcp.listen(port, connection => void taken(connection).catch(() => connection.destroy()))
  })
  afterEach(() => listener[Symbol.dispose]())

  it('ends one direction at a time, and loses nothing', async () => {
    taken = async connection => {
      for await (const chunk of connection.input) await connection.write(chunk)
      await connection.end()
    }
    const connection = await tcp.connect({ host: HOST, port }, { signal })
    const sent = Buffer.alloc(3_000_000, 'abcdefg')
    const [received] = await Promise.all([Array.fromAsync(connection.input), connection.write(sent).then(() => connection.end())])
    assert.ok(Buffer.concat(received).equals(sent))
  })

  it('writes no faster than the other side reads', async () => {
    taken = async () => {}
    const connection = await tcp.connect({ host: HOST, port }, { signal })
    let written = 0
    const writing = (async () => {
      for (;;) {
        await connection.write(Buffer.alloc(1_000_000))
        written++
      }
    })()
    // What the kernel and the socket keep is some megabytes at most.
    await assert.rejects(
      Promise.race([
        writing,
        (async () => {
          for (let before = -1; before !== written; await once(AbortSignal.timeout(100), 'abort')) before = written
          connection.destroy()
          await writing
        })()
      ])
    )
    assert.ok(written < 64, `${written} MB`)
  })

  it('breaks a connection so that the other side does not take it for an end', async () => {
    const broken = Promise.withResolvers<unknown>()
    taken = async connection => {
      await connection.write(Buffer.from('x'))
      await Array.fromAsync(connection.input).catch(broken.resolve)
    }
    const connection = await tcp.connect({ host: HOST, port }, { signal })
    await connection.input[Symbol.asyncIterator]().next()
    connection.destroy()
    assert.equal(((await broken.promise) as NodeJS.ErrnoException).code, 'ECONNRESET')
    await assert.rejects(connection.write(Buffer.from('x')))
    await assert.rejects(connection.end())
  })

  it('refuses a port that somebody has, and says where nobody listens', async () => {
    await assert.rejects(
      tcp.listen(port, () => {}),
      { code: 'conflict', message: `port ${port} cannot be opened at ${HOST}: another program of this machine has it` }
    )
    await assert.rejects(tcp.connect({ host: HOST, port: await freePort() }, { signal }), { code: 'peer_unreachable', retryable: true })
  })
})

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
