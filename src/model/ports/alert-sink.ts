import type { Alert, WebhookReport } from '../alerts.ts'
import type { Startable } from './startable.ts'

/** Brings alerts to somebody outside. */
export interface AlertSink extends Startable {
  /** Takes one to deliver; never throws, never waits. What cannot be delivered in the end is counted in the report. */
  deliver(alert: Alert): void
  report(): WebhookReport
}
