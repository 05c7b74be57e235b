import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Alert } from '../../src/model/alerts.ts'
import { AlertWebhook } from '../../src/telemetry/alert-webhook.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createTestLog } from '../support/test-log.ts'

const alert = (number: number, state: Alert['state'] = 'raised'): Alert => ({
  key: `disk_low/${number}`,
  rule: 'disk_low',
  severity: 'critical',
  subject: { kind: 'function', id: String(number), name: String(number) },
  state,
  raisedAt: '2026-01-02T03:04:05.000Z',
  value: 0.95,
  threshold: 0.9,
  unit: 'ratio',
  message: 'm'
})

interface Post {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A receiver that answers with one status after the other, the last of them for ever. */
async function receiver(statuses: readonly number[]) {
  const posts: Post[] = []
  const server = http.createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      posts.push({ headers: request.headers, body })
      response.writeHead(statuses[posts.length - 1] ?? statuses.at(-1) ?? 200).end('ok')
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?room=1`,
    posts,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

function webhookTo(
  url: string,
  secret: string | null = null
): { webhook: AlertWebhook; clock: ManualClock; log: ReturnType<typeof createTestLog> } {
  const [clock, log] = [new ManualClock(), createTestLog()]
  const webhook = new AlertWebhook({ url, secret, peer: () => ({ id: 'p', name: 'atlas' }), cluster: () => 'c-1' }, { clock, log })
  return { webhook, clock, log }
}

/** Lets time pass until nothing waits. */
async function settled(webhook: AlertWebhook, clock: ManualClock): Promise<void> {
  while (webhook.report().waiting > 0) {
    // Less than the time that one try may take, so that none is cut off.
    clock.advance(10)
    await new Promise(setImmediate)
  }
}

describe('the webhook of alerts', () => {
  it('posts each alert once, in order, with who tells it', async () => {
    await using hook = await receiver([204])
    const { webhook, clock } = webhookTo(hook.url)
    webhook.deliver(alert(1))
    webhook.deliver(alert(1, 'cleared'))
    await settled(webhook, clock)
    const [first, second] = hook.posts.map(({ body }) => JSON.parse(body) as { type: string; cluster: string; peer: object; alert: Alert })
    assert.deepEqual([first?.type, second?.type, hook.posts.length], ['alert:raised', 'alert:cleared', 2])
    assert.deepEqual([first?.cluster, first?.peer, first?.alert], ['c-1', { id: 'p', name: 'atlas' }, alert(1)])
    assert.equal(hook.posts[0]?.headers['x-cares-signature'], undefined)
    assert.deepEqual(webhook.report(), { delivered: 2, failed: 0, waiting: 0, lastError: null })
  })

  it('signs the time and the bytes that it sends', async () => {
    await using hook = await receiver([200])
    const { webhook, clock } = webhookTo(hook.url, 'a secret of some length')
    webhook.deliver(alert(1))
    await settled(webhook, clock)
    const [post] = hook.posts
    const [, seconds = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(post?.headers['x-cares-signature'])) ?? []
    assert.equal(mac, createHmac('sha256', 'a secret of some length').update(`${seconds}.${post?.body}`).digest('hex'))
    assert.equal(Number(seconds), Math.floor(Date.parse('2026-01-02T03:04:05Z') / 1_000))
  })

  it('tries again with longer and longer pauses, and delivers in order', async () => {
    await using hook = await receiver([503, 429, 200])
    const { webhook, clock } = webhookTo(hook.url)
    webhook.deliver(alert(1))
    webhook.deliver(alert(2))
    const before = clock.nowMs()
    await settled(webhook, clock)
    assert.deepEqual(
      hook.posts.map(({ body }) => (JSON.parse(body) as { alert: Alert }).alert.key),
      ['disk_low/1', 'disk_low/1', 'disk_low/1', 'disk_low/2']
    )
    assert.ok(clock.nowMs() - before >= 5_000)
    assert.equal(webhook.report().delivered, 2)
  })

  it('gives up after five tries, says why, and goes on with the next', async () => {
    await using hook = await receiver([500, 500, 500, 500, 500, 200])
    const { webhook, clock, log } = webhookTo(hook.url)
    webhook.deliver(alert(1))
    webhook.deliver(alert(2))
    await settled(webhook, clock)
    assert.deepEqual(webhook.report(), { delivered: 1, failed: 1, waiting: 0, lastError: 'the webhook answered 500' })
    const record = log.records.find(({ message }) => message === 'alert not delivered')
    assert.deepEqual(
      record?.fields,
      { url: new URL(hook.url).origin, reason: 'the webhook answered 500' },
      'without what may be a token in its path'
    )
  })

  it('does not repeat what the receiver refuses', async () => {
    await using hook = await receiver([400])
    const { webhook, clock } = webhookTo(hook.url)
    webhook.deliver(alert(1))
    await settled(webhook, clock)
    assert.equal(hook.posts.length, 1)
    assert.equal(webhook.report().failed, 1)
  })

  it('holds no more than its bound for a receiver that is not there, the newest', async () => {
    const { webhook } = webhookTo('http://127.0.0.1:1/')
    for (let i = 0; i < 500; i++) webhook.deliver(alert(i))
    assert.equal(webhook.report().waiting, 200)
    assert.equal(webhook.report().failed, 300)
    await webhook.stop()
  })

  it('stops at once, whatever it waits for', async () => {
    await using hook = await receiver([503])
    const { webhook, clock } = webhookTo(hook.url)
    webhook.deliver(alert(1))
    await eventually('a post, and a timer for its answer', () => hook.posts.length > 0 && clock.pending >= 2)
    await webhook.stop()
    assert.equal(webhook.report().delivered, 0)
  })
})
