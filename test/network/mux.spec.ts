import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { CaresError } from '../../src/model/errors.ts'
import { type Exchange, MESSAGE_COST_BYTES, WINDOW_BYTES, WINDOW_BYTES_MAX } from '../../src/network/exchange.ts'
import { EXCHANGES_MAX, Mux, WIDENED_BYTES_MAX } from '../../src/network/mux.ts'
import type { LaneFrame } from '../../src/wire/lane-codec.ts'

/** Two muxes joined by hand: frames move when the test says so. */
function lane(): { dialler: Mux; acceptor: Mux; accepted: Exchange[]; move: () => LaneFrame[] } {
  const accepted: Exchange[] = []
  const dialler = new Mux({ wake: () => {} })
  const acceptor = new Mux({ wake: () => {}, accept: exchange => void accepted.push(exchange) })
  const move = (): LaneFrame[] => {
    const moved: LaneFrame[] = []
    for (let i = 0; i < 10_000; i++) {
      const [up, down] = [dialler.take(), acceptor.take()]
      if (up === undefined && down === undefined) return moved
      if (up !== undefined) acceptor.receive(up)
      if (down !== undefined) dialler.receive(down)
      moved.push(...[up, down].filter(frame => frame !== undefined))
    }
    throw new Error('frames without end')
  }
  return { dialler, acceptor, accepted, move }
}

const broken = (message: RegExp) => (error: unknown) =>
  error instanceof CaresError && error.code === 'protocol' && message.test(error.message)
const byte = (value: number): Uint8Array => Uint8Array.of(value)

describe('mux', () => {
  it('opens an exchange at the other side though nothing is sent in it', () => {
    const { dialler, accepted, move } = lane()
    dialler.open()
    move()
    assert.equal(accepted.length, 1)
  })

  it('lets exchanges take turns, one frame each', async () => {
    const { dialler } = lane()
    const [a, b] = [dialler.open(), dialler.open()]
    for (const exchange of [a, b]) for (const value of [1, 2]) await exchange.send(byte(value))
    const turns = Array.from({ length: 6 }, () => dialler.take()).map(frame => `${frame?.exchange} ${frame?.type}`)
    assert.deepEqual(turns, ['1 open', '2 open', '1 message', '2 message', '1 message', '2 message'])
  })

  it('never has more than a window and one message on its way, whatever the sizes', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: WINDOW_BYTES * 2 }), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(sizes, async lengths => {
        const { dialler, accepted, move } = lane()
        const sender = dialler.open()
        const sent = Promise.all(lengths.map(length => sender.send(new Uint8Array(length)))).then(() => sender.end())
        let received = 0
        let windowBytes = WINDOW_BYTES
        let lastBytes = 0
        for (const length of lengths) {
          for (const frame of move()) {
            if (frame.type === 'credit') windowBytes += frame.bytes
            if (frame.type !== 'message') continue
            assert.ok(windowBytes > 0, `window overrun before a message of ${frame.bytes.length}`)
            lastBytes = frame.bytes.length + MESSAGE_COST_BYTES
            windowBytes -= lastBytes
          }
          assert.ok(windowBytes <= WINDOW_BYTES_MAX && windowBytes > -lastBytes, `a window of ${windowBytes}`)
          const message = await accepted[0]?.receive()
          assert.equal(message?.length, length)
          received += 1
        }
        await sent
        move()
        assert.equal(await accepted[0]?.receive(), undefined)
        assert.equal(received, lengths.length)
      }),
      { numRuns: 50 }
    )
  })

  it('keeps a sender waiting while nobody reads, and lets it go on when somebody does', async () => {
    const { dialler, accepted, move } = lane()
    const sender = dialler.open()
    await sender.send(new Uint8Array(WINDOW_BYTES))
    let went = false
    const second = sender.send(byte(1)).then(() => {
      went = true
    })
    move()
    await new Promise(setImmediate)
    assert.equal(went, false)
    await accepted[0]?.receive()
    move()
    await second
  })

  /** Sends `count` full messages, each of which is read at once. How much may be on its way then, when nobody reads any more. */
  async function windowAfter({ dialler, accepted, move }: ReturnType<typeof lane>, count: number): Promise<number> {
    const sender = dialler.open()
    move()
    const reader = accepted.at(-1)
    for (let i = 0; i < count; i++) {
      await sender.send(new Uint8Array(WINDOW_BYTES / 4))
      move()
      await reader?.receive()
      move()
    }
    let bytes = 0
    for (let blocked = false; !blocked; bytes += WINDOW_BYTES / 8) {
      blocked = true
      sender.send(new Uint8Array(WINDOW_BYTES / 8 - MESSAGE_COST_BYTES)).then(
        () => (blocked = false),
        () => {}
      )
      move()
      await new Promise(setImmediate)
    }
    return bytes - WINDOW_BYTES / 8
  }

  it('widens the window of a sender whose reader keeps up, to an end, and that of nobody else', async () => {
    assert.equal(await windowAfter(lane(), 0), WINDOW_BYTES)
    const window = await windowAfter(lane(), 40)
    assert.ok(window > WINDOW_BYTES_MAX * 0.7 && window <= WINDOW_BYTES_MAX + WINDOW_BYTES / 8, `${window}`)
  })

  it('widens the windows of all exchanges together to an end, and again when some are over', async () => {
    const one = lane()
    const full = Math.ceil(WIDENED_BYTES_MAX / (WINDOW_BYTES_MAX - WINDOW_BYTES))
    for (let i = 0; i < full; i++) assert.ok((await windowAfter(one, 12)) > WINDOW_BYTES * 1.5 || i === full - 1, `${i}`)
    assert.ok((await windowAfter(one, 12)) <= WINDOW_BYTES * 1.25)
    one.accepted[0]?.abort(new CaresError('cancelled', 'enough'))
    one.move()
    assert.ok((await windowAfter(one, 12)) > WINDOW_BYTES * 1.5)
  })

  it('forgets exchanges that have ended, so that the lane can go on for ever', async () => {
    const { dialler, accepted, move } = lane()
    for (let i = 0; i < EXCHANGES_MAX * 2; i++) {
      const exchange = dialler.open()
      exchange.end()
      move()
      accepted.pop()?.end()
      move()
      assert.equal(await exchange.receive(), undefined)
    }
  })

  it('forgets exchanges that were aborted by either side', () => {
    const { dialler, accepted, move } = lane()
    for (let i = 0; i < EXCHANGES_MAX * 2; i++) {
      const exchange = dialler.open()
      move()
      ;(i % 2 === 0 ? exchange : accepted.pop())?.abort(new CaresError('cancelled', 'enough'))
      move()
      assert.equal((exchange.signal.reason as CaresError).code, 'cancelled')
    }
  })

  it('refuses more exchanges than a lane carries', () => {
    const { dialler } = lane()
    for (let i = 0; i < EXCHANGES_MAX; i++) dialler.open()
    assert.throws(
      () => dialler.open(),
      (error: CaresError) => error.code === 'overloaded' && error.retryable
    )
  })

  it('ends every exchange with what ended the lane, after what had arrived', async () => {
    const { dialler, accepted, move } = lane()
    const exchange = dialler.open()
    move()
    await accepted[0]?.send(byte(1))
    move()
    const lost = new CaresError('peer_lost', 'gone')
    dialler.lose(lost)
    assert.deepEqual(await exchange.receive(), byte(1))
    await assert.rejects(exchange.receive(), lost)
    await assert.rejects(exchange.send(byte(2)), lost)
    assert.throws(() => dialler.open(), lost)
  })

  it('sends what was accepted before an abort, and then the abort', async () => {
    const { dialler, accepted, move } = lane()
    const exchange = dialler.open()
    move()
    await accepted[0]?.send(byte(1))
    accepted[0]?.abort(new CaresError('no_capacity', 'full'))
    move()
    assert.deepEqual(await exchange.receive(), byte(1))
    await assert.rejects(exchange.receive(), (error: CaresError) => error.code === 'no_capacity')
  })

  it('says nothing of an exchange that was aborted before it was opened', () => {
    const { dialler, accepted, move } = lane()
    dialler.open().abort(new CaresError('cancelled', 'changed my mind'))
    assert.deepEqual(move(), [])
    assert.equal(accepted.length, 0)
  })

  const message = (exchange: number, length = 1): LaneFrame => ({ exchange, type: 'message', bytes: new Uint8Array(length) })
  const violations: readonly (readonly [claim: string, frames: readonly LaneFrame[], error: RegExp])[] = [
    ['a message of an exchange that was never opened', [message(1)], /never opened/],
    [
      'numbers that do not rise',
      [
        { exchange: 2, type: 'open' },
        { exchange: 1, type: 'open' }
      ],
      /rise/
    ],
    [
      'a second end',
      [
        { exchange: 1, type: 'open' },
        { exchange: 1, type: 'end' },
        { exchange: 1, type: 'end' }
      ],
      /second end/
    ],
    ['a message after the end', [{ exchange: 1, type: 'open' }, { exchange: 1, type: 'end' }, message(1)], /after the end/],
    ['more than the window', [{ exchange: 1, type: 'open' }, message(1, WINDOW_BYTES), message(1)], /window/],
    [
      'credit for what was not sent',
      [
        { exchange: 1, type: 'open' },
        { exchange: 1, type: 'credit', bytes: WINDOW_BYTES_MAX }
      ],
      /credit/
    ],
    [
      'more exchanges than a lane carries',
      Array.from({ length: EXCHANGES_MAX + 1 }, (_, i) => ({ exchange: i + 1, type: 'open' })),
      /more than/
    ]
  ]
  for (const [claim, frames, error] of violations) {
    it(`refuses ${claim}`, () => {
      const { acceptor } = lane()
      const last = frames.at(-1)
      for (const frame of frames.slice(0, -1)) acceptor.receive(frame)
      assert.throws(() => last !== undefined && acceptor.receive(last), broken(error))
    })
  }

  it('refuses that the accepting side opens', () => {
    const { dialler } = lane()
    assert.throws(() => dialler.receive({ exchange: 1, type: 'open' }), broken(/dialled/))
  })
})
