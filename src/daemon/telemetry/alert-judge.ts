import type { Alert, AlertRule, AlertRuleName, AlertSubject } from '../../model/alerts.ts'

/** Most conditions that are watched: several for each of a few hundred peers. Further ones are not. */
const WATCHED_MAX = 2_000

/** What one rule sees of one subject now. */
export interface AlertSample {
  readonly rule: AlertRuleName
  readonly subject: AlertSubject
  /** In the unit of the rule. */
  readonly value: number
  /** What is wrong, if something is, as a sentence. */
  readonly message: string
}

/** One condition, and since when it has been above or below its thresholds; null: it is not on that side now. */
interface Watched {
  readonly aboveSinceMs: number | null
  readonly belowSinceMs: number | null
  readonly alert: Alert | null
}

/** All conditions that are watched, by key. */
export type AlertState = ReadonlyMap<string, Watched>

/** Nothing is watched yet. */
export const NO_ALERTS: AlertState = new Map<string, Watched>([])

/**
 * One look at everything: which alerts are raised and which are taken back. A pure function: the same looks at the same times give the same alerts.
 * A subject of which there is no sample any more is over.
 */
export function judge(
  state: AlertState,
  samples: readonly AlertSample[],
  { rules, nowMs, at }: { rules: readonly AlertRule[]; nowMs: number; at: string }
): { readonly state: AlertState; readonly raised: readonly Alert[]; readonly cleared: readonly Alert[] } {
  const byName = new Map(rules.map(rule => [rule.name, rule]))
  const next = new Map<string, Watched>()
  const [raised, cleared]: [Alert[], Alert[]] = [[], []]
  for (const sample of samples) {
    const rule = byName.get(sample.rule)
    const key = `${sample.rule}/${sample.subject.id}`
    if (rule === undefined || next.size >= WATCHED_MAX) continue
    const before = state.get(key)
    const watched = watch(before, sample, rule, nowMs)
    const isDue = watched.aboveSinceMs !== null && nowMs - watched.aboveSinceMs >= rule.forMs
    const isOver = watched.belowSinceMs !== null && nowMs - watched.belowSinceMs >= rule.clearForMs
    if (watched.alert === null && isDue) {
      const alert = raise(key, sample, rule, at)
      raised.push(alert)
      next.set(key, { ...watched, alert })
    } else if (watched.alert !== null && isOver) {
      cleared.push({ ...watched.alert, state: 'cleared', clearedAt: at })
      next.set(key, { ...watched, alert: null })
    } else next.set(key, watched)
  }
  for (const [key, { alert }] of state) if (alert !== null && !next.has(key)) cleared.push({ ...alert, state: 'cleared', clearedAt: at })
  return { state: next, raised, cleared }
}

/**
 * The alerts that are raised, the most severe first, then the newest. One whose condition has ended and is waited for to stay so says that: its message
 * stands beside what contradicts it.
 */
export function raisedIn(state: AlertState): readonly Alert[] {
  const alerts = [...state.values()].flatMap(({ alert, belowSinceMs }) => {
    if (alert === null) return []
    return [belowSinceMs === null ? alert : { ...alert, message: `${alert.message} (no longer)` }]
  })
  const rank = ({ severity }: Alert): number => (severity === 'critical' ? 0 : 1)
  return alerts.sort((a, b) => rank(a) - rank(b) || (a.raisedAt < b.raisedAt ? 1 : a.raisedAt > b.raisedAt ? -1 : 0))
}

function watch(before: Watched | undefined, { value, message }: AlertSample, { raiseAt, clearBelow }: AlertRule, nowMs: number): Watched {
  const [isAbove, isBelow] = [value >= raiseAt, value < clearBelow]
  const alert = before?.alert ?? null
  return {
    aboveSinceMs: isAbove ? (before?.aboveSinceMs ?? nowMs) : null,
    belowSinceMs: isBelow ? (before?.belowSinceMs ?? nowMs) : null,
    // What is told of it stays as it was at its worst side: below, the message would speak of something that is not wrong.
    alert: alert === null || isBelow ? alert : { ...alert, value, message }
  }
}

function raise(key: string, { rule: name, subject, value, message }: AlertSample, rule: AlertRule, at: string): Alert {
  const { severity, unit, raiseAt: threshold } = rule
  return { key, rule: name, severity, subject, state: 'raised', raisedAt: at, value, threshold, unit, message }
}
