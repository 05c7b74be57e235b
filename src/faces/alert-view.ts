import type { AlertItem } from '../model/rest-events.ts'
import type { AlertList } from '../model/rest-telemetry.ts'
import { formatDurationMs } from '../model/units.ts'
import type { Table } from './table.ts'
import { formatAge } from './text.ts'

/** What is wrong, the worst first. */
export function alertsTable(alerts: readonly AlertItem[], nowMs: number): Table {
  return {
    columns: [
      { title: 'RULE' },
      { title: 'SEVERITY' },
      { title: 'ABOUT', wide: true },
      { title: 'VALUE', align: 'right' },
      { title: 'THRESHOLD', align: 'right', wide: true },
      { title: 'WHAT', shrinks: true },
      { title: 'SINCE', align: 'right' }
    ],
    rows: alerts.map(({ rule, severity, subject, value, threshold, unit, message, raisedAt }) => [
      rule,
      { text: severity, tone: severity === 'critical' ? 'bad' : 'warn' },
      subject.name,
      amount(value, unit),
      amount(threshold, unit),
      message,
      formatAge(raisedAt, nowMs)
    ])
  }
}

/** What is looked for, and from when on it is told. */
export function rulesTable(rules: AlertList['rules']): Table {
  return {
    columns: [
      { title: 'RULE' },
      { title: 'SEVERITY', wide: true },
      { title: 'FROM', align: 'right' },
      { title: 'FOR', align: 'right' },
      { title: 'BELOW', align: 'right' },
      { title: 'FOR', align: 'right' },
      { title: 'VALUE', shrinks: true }
    ],
    rows: rules.map(({ name, severity, raiseAt, forMs, clearBelow, clearForMs, unit, description }) => [
      name,
      severity,
      amount(raiseAt, unit),
      formatDurationMs(forMs),
      amount(clearBelow, unit),
      formatDurationMs(clearForMs),
      description
    ])
  }
}

function amount(value: number, unit: AlertItem['unit']): string {
  if (unit === 'ratio') return `${Math.round(value * 100)}%`
  return unit === 'milliseconds' ? formatDurationMs(value) : String(Math.round(value))
}
