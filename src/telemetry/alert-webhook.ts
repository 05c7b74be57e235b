import { createHmac } from 'node:crypto'
import { request } from 'undici'
import type { Alert, WebhookReport } from '../model/alerts.ts'
import type { AlertSink } from '../model/ports/alert-sink.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'

export interface AlertWebhookInit {
  readonly url: string
  /** Signs each delivery; null: deliveries are not signed. */
  readonly secret: string | null
  /** This peer, which each delivery names as its sender. */
  readonly peer: () => { readonly id: string; readonly name: string }
  /** Which each delivery names, too; null while this peer is in none. */
  readonly cluster: () => string | null
}

/** Deliveries that wait. Over it the oldest is given up: what is wrong now matters more. */
const WAITING_MAX = 200
/** Pauses between the five tries of one delivery: a minute in all, longer than most receivers take to restart. */
const PAUSES_MS = [1_000, 4_000, 15_000, 40_000] as const
const TRY_TIMEOUT_MS = 5_000

/** Header with the time and the signature of a delivery. */
const SIGNATURE_HEADER = 'x-cares-signature'

/**
 * The signature of a delivery: `t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of `SECONDS.BODY`. A receiver computes it again over the bytes that
 * came, compares in constant time, and refuses an old time.
 */
function signature(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** Posts alerts to a URL, one after the other, in order, with retries. */
export class AlertWebhook implements AlertSink {
  readonly #init: AlertWebhookInit
  readonly #clock: Clock
  readonly #log: Logger
  readonly #stopping = new AbortController()
  readonly #waiting: string[] = []
  #working: Promise<void> | undefined
  #delivered = 0
  #failed = 0
  #lastError: string | null = null

  constructor(init: AlertWebhookInit, { clock, log }: { clock: Clock; log: Logger }) {
    this.#init = init
    this.#clock = clock
    this.#log = log
  }

  async start(): Promise<void> {}

  /** Gives up what has not been delivered. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#working
  }

  deliver(alert: Alert): void {
    const { peer, cluster } = this.#init
    const { id, name } = peer()
    this.#waiting.push(
      JSON.stringify({ type: `alert:${alert.state}`, at: this.#clock.timestamp(), cluster: cluster(), peer: { id, name }, alert })
    )
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift()
      this.#failed++
    }
    this.#working ??= this.#work().finally(() => (this.#working = undefined))
  }

  report(): WebhookReport {
    return { delivered: this.#delivered, failed: this.#failed, waiting: this.#waiting.length, lastError: this.#lastError }
  }

  async #work(): Promise<void> {
    for (let body = this.#waiting[0]; body !== undefined && !this.#stopping.signal.aborted; body = this.#waiting[0]) {
      const isDelivered = await this.#try(body)
      // It may have been given up meanwhile, for too many that wait.
      if (this.#waiting[0] === body) this.#waiting.shift()
      if (isDelivered) this.#delivered++
      else this.#failed++
    }
  }

  /** Whether the receiver has taken it, in the end. */
  async #try(body: string): Promise<boolean> {
    for (const pauseMs of [...PAUSES_MS, null]) {
      const outcome = await this.#post(body)
      if (outcome === 'taken') return true
      if (outcome === 'refused' || pauseMs === null || this.#stopping.signal.aborted) break
      const isStopping = await this.#clock.sleep(pauseMs, { signal: this.#stopping.signal }).then(
        () => false,
        () => true
      )
      if (isStopping) return false
    }
    this.#log.warn({ url: new URL(this.#init.url).origin, reason: this.#lastError }, 'alert not delivered')
    return false
  }

  /** Tries once. `refused`: the receiver does not want it, and another try would not help. `failed`: another try may succeed. */
  async #post(body: string): Promise<'taken' | 'refused' | 'failed'> {
    const { url, secret } = this.#init
    const seconds = Math.floor(Date.parse(this.#clock.timestamp()) / 1_000)
    try {
      const { statusCode, body: answer } = await request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'cares',
          ...(secret === null ? {} : { [SIGNATURE_HEADER]: signature(secret, body, seconds) })
        },
        body,
        signal: AbortSignal.any([this.#stopping.signal, this.#clock.timeout(TRY_TIMEOUT_MS)])
      })
      await answer.dump()
      if (statusCode >= 200 && statusCode < 300) return 'taken'
      this.#lastError = `the webhook answered ${statusCode}`
      return statusCode >= 500 || statusCode === 429 || statusCode === 408 ? 'failed' : 'refused'
    } catch (err) {
      this.#lastError = err instanceof Error ? err.message : String(err)
      return 'failed'
    }
  }
}
