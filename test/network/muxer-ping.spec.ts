import assert from 'node:assert/strict'
import type { Connection } from '@libp2p/interface'
import { pingMuxer } from '../../src/network/muxer-ping.ts'
import { createNode, type Node } from '../../src/network/node.ts'
import { generateIdentity, readPrivateKey } from '../../src/network/identity.ts'
import { createTestLog } from '../support/test-log.ts'

/** A connection whose muxer answers when the test says so, and counts what it is asked. */
class FakeConnection extends EventTarget {
  readonly answer = Promise.withResolvers<number>()
  asked: unknown[][] = []
  readonly muxer = {
    ping: (...args: unknown[]): Promise<number> => {
      this.asked.push(args)
      return this.answer.promise
    }
  }

  static make(): { fake: FakeConnection; connection: Connection } {
    const fake = new FakeConnection()
    return { fake, connection: fake as unknown as Connection }
  }
}

const never = (): AbortSignal => new AbortController().signal

describe('a ping of the muxer', () => {
  it('is answered over the connections that peers have', async () => {
    const nodes: Node[] = []
    const start = async (): Promise<Node> => {
      const { privateKey } = await generateIdentity()
      const node = await createNode(
        {
          privateKey: readPrivateKey(privateKey),
          listen: ['/ip4/127.0.0.1/tcp/0'],
          announce: [],
          bootstrap: [],
          secret: undefined,
          dialMs: 10_000,
          addressSorter: () => 0,
          logLevel: 'warn'
        },
        { log: createTestLog() }
      )
      nodes.push(node)
      await node.start()
      return node
    }
    try {
      const [a, b] = [await start(), await start()]
      const connection = await a.dial(b.getMultiaddrs())
      assert.equal(await pingMuxer(connection, { signal: AbortSignal.timeout(5_000) }), true)
      const [back] = b.getConnections(a.peerId)
      assert.ok(back)
      assert.equal(await pingMuxer(back, { signal: AbortSignal.timeout(5_000) }), true)
    } finally {
      await Promise.all(nodes.map(async node => node.stop()))
    }
  })

  it('is no ping where there is no such muxer', async () => {
    assert.equal(await pingMuxer(new EventTarget() as unknown as Connection, { signal: never() }), false)
  })

  it('is given up in time, and an answer that comes later does no harm', async () => {
    const { fake, connection } = FakeConnection.make()
    const caller = new AbortController()
    const asking = pingMuxer(connection, { signal: caller.signal })
    caller.abort(new Error('too late'))
    await assert.rejects(asking, /too late/)
    assert.deepEqual(fake.asked, [[]], 'the muxer was told of the signal')
    fake.answer.resolve(1)
  })

  it('ends with its connection', async () => {
    const { fake, connection } = FakeConnection.make()
    const asking = pingMuxer(connection, { signal: never() })
    fake.dispatchEvent(new Event('close'))
    await assert.rejects(asking, /closed/)
  })
})
