import assert from 'node:assert/strict'
import { once } from 'node:events'
import { CaresError } from '../../../src/model/errors.ts'
import type { LogLine } from '../../../src/model/logs.ts'
import { createHarness } from '../harness.ts'
import { connect, head, open, rest, untilClosed } from '../sockets.ts'
import { BIRCH, INVOCATION } from '../../support/samples.ts'

const line = (text: string): LogLine => ({ at: '2026-01-02T03:04:05.000Z', peer: BIRCH, function: 'thumb', stream: 'stderr', text })

describe('/v1/logs', () => {
  it('sends a line of JSON for each line', async () => {
    await using harness = createHarness({
      logs: async function* () {
        yield line('a')
        yield line('b\nc')
      }
    })
    const answer = await harness.app.inject('/v1/logs?function=thumb&tail=5')
    assert.equal(answer.headers['content-type'], 'application/x-ndjson')
    assert.equal(answer.body, `${JSON.stringify(line('a'))}\n${JSON.stringify(line('b\nc'))}\n`)
    const query = harness.service.asked.find(({ method }) => method === 'logs')?.args[0]
    assert.deepEqual(query, { function: 'thumb', invocation: undefined, tail: 5, follow: false })
  })

  it('asks for the lines of an invocation, 100 of them when nobody says how many', async () => {
    await using harness = createHarness()
    await harness.app.inject(`/v1/logs?invocation=${INVOCATION}`)
    const query = harness.service.asked.find(({ method }) => method === 'logs')?.args[0]
    assert.deepEqual(query, { function: undefined, invocation: INVOCATION, tail: 100, follow: false })
  })

  it('sends events to who accepts only those', async () => {
    await using harness = createHarness()
    const { body } = await harness.app.inject({ url: '/v1/logs?function=thumb', headers: { accept: 'text/event-stream' } })
    assert.equal(body, `retry: 1000\n\nevent: line\ndata: ${JSON.stringify(line('hello'))}\n\n`)
  })

  it('opens at once although nothing has been written yet, and ends when the API stops', async () => {
    await using harness = createHarness({
      // oxlint-disable-next-line require-yield -- a function that is silent
      logs: async function* (_, { signal }) {
        await once(signal, 'abort')
      }
    })
    await harness.api.start()
    const response = await head(open(`${harness.api.url}/v1/logs?function=thumb&follow`, {}).end())
    assert.equal(response.statusCode, 200)
    const text = rest(response)
    await harness.api.stop()
    assert.equal(await text, '')
  })

  const broken = {
    logs: async function* () {
      yield line('a')
      throw new CaresError('peer_lost', 'birch is gone')
    }
  }

  it('breaks off where it fails half way', async () => {
    await using harness = createHarness(broken)
    const socket = await connect(harness)
    socket.write('GET /v1/logs?function=thumb HTTP/1.1\r\nhost: x\r\n\r\n')
    const text = await untilClosed(socket)
    assert.match(text, /"text":"a"/)
    assert.doesNotMatch(text, /\r\n0\r\n/)
  })

  it('says to a reader of events what failed', async () => {
    await using harness = createHarness(broken)
    const { body } = await harness.app.inject({ url: '/v1/logs?function=thumb', headers: { accept: 'text/event-stream' } })
    assert.match(body, /event: problem\ndata: .*"code":"peer_lost"/)
  })
})
