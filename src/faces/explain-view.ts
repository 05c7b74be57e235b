import type { Explanation, PlacementItem, VerdictItem } from '../model/rest-invocations.ts'
import type { TaskExplanation } from '../model/rest-tasks.ts'
import type { Cell, Table, TableView } from './table.ts'
import { formatBytes, formatDurationMs, formatUsd } from '../model/units.ts'
import { cacheNeedText } from './cache-text.ts'
import { policyText } from './policy-text.ts'
import { renderTable } from './table.ts'
import { keyed, timeOfDay } from './text.ts'

/** Why an invocation went where it went: one table for each placement, with the numbers that decided. */
export function explanationLines(explanation: Explanation, view: TableView): string[] {
  const { invocation, placements, predictedMs, actualMs, whyNot } = explanation
  const ended = invocation.totalMs === null ? '' : `, ${formatDurationMs(invocation.totalMs)}`
  const where = invocation.worker === null ? '' : ` on ${invocation.worker.name}`
  const error = invocation.error === null ? '' : `: ${invocation.error.message}`
  const samples = placements.at(-1)?.estimate.samples
  return [
    `Invocation  ${invocation.id}  ${invocation.function} r${invocation.revision}  ${invocation.state}${ended}${where}${error}`,
    ...placements.flatMap((placement, index) => placementLines(placement, index, placements.length, view)),
    ...(placements.length === 0 ? ['It has not been placed.'] : []),
    ...(predictedMs === null
      ? []
      : [
          `Predicted ${formatDurationMs(predictedMs)}  actual ${actualMs === null ? '-' : formatDurationMs(actualMs)}${samples === undefined ? '' : `  (from ${samples} earlier ${samples === 1 ? 'run' : 'runs'})`}`
        ]),
    ...economyLines(explanation),
    ...whyNotLines(whyNot)
  ]
}

const NOT_KNOWN = 'Its placement is not known: another orchestrator made it, or it was long ago.'

/** Why a task is where it is: what happened to it, and the table of its newest placement. */
export function taskExplanationLines({ id, state, reasons, placement, recomputes, whyNot }: TaskExplanation, view: TableView): string[] {
  return [
    `${id}  ${state}`,
    ...reasons,
    ...(placement == null ? [] : ['', ...placementLines(placement, 0, 1, view)]),
    ...(placement === null ? [state === 'queued' ? 'It has not been placed.' : NOT_KNOWN] : []),
    ...economyLines({ recomputes }),
    ...whyNotLines(whyNot)
  ]
}

function whyNotLines(whyNot: Explanation['whyNot']): string[] {
  return whyNot === undefined ? [] : [`Why not ${whyNot.peer.name}: ${whyNot.why}`]
}

/** What it cost, whether another choice would have been better, and whether the numbers above come to the choice. */
function economyLines({ cost, regretMs, recomputes }: Pick<Explanation, 'cost' | 'regretMs' | 'recomputes'>): string[] {
  return [
    ...(cost == null ? [] : [`Quoted ${formatUsd(cost.quotedUsd)}  cost ${formatUsd(cost.usd)}`]),
    ...(regretMs == null || regretMs < 1
      ? []
      : [`Regret ${formatDurationMs(regretMs)}: the best other peer was expected to be quicker than this one was`]),
    ...(recomputes === false ? ['These numbers do not come to this choice: the placer went by others'] : [])
  ]
}

/** The placements' own columns: expected milliseconds by cause. */
const TERMS = ['network', 'start', 'pull', 'queue', 'run', 'cache', 'total'] as const

/** Every peer that a placement looked at, with its cost by cause, or why it could not have the work. */
export function verdictsTable(verdicts: readonly VerdictItem[]): Table {
  const isScored = verdicts.some(({ score }) => score !== undefined)
  const chosen = verdicts.find(verdict => verdict.chosen)
  // Mostly nobody is short of it.
  const terms = TERMS.filter(term => term !== 'cache' || verdicts.some(({ cost }) => (cost?.cache ?? 0) > 0))
  return {
    columns: [
      { title: 'PEER' },
      { title: 'FITS' },
      ...terms.map(term => ({ title: (term === 'network' ? 'net' : term).toUpperCase(), align: 'right' }) as const),
      ...(isScored
        ? ([
            { title: 'USD', align: 'right', wide: true },
            { title: 'LOAD', align: 'right', wide: true },
            { title: 'SCORE', align: 'right' }
          ] as const)
        : []),
      { title: 'VERDICT' }
    ],
    rows: verdicts.map((verdict): Cell[] => [
      verdict.peer.name,
      verdict.fits ? 'yes' : 'no',
      ...terms.map(term => (verdict.cost === undefined ? '-' : milliseconds(verdict.cost[term] ?? 0))),
      ...(isScored ? scoreCells(verdict) : []),
      verdict.chosen ? { text: verdictText(verdict, chosen), tone: 'good' } : verdictText(verdict, chosen)
    ])
  }
}

/** What a placement went by: less is better. Strategies that go by the expected time say no score of their own; undefined: the peer was refused. */
export function scoreOf({ score, cost }: Pick<VerdictItem, 'score' | 'cost'>): number | undefined {
  return score ?? cost?.total
}

/** What a score is made of beside the time, and itself. */
function scoreCells({ terms, ...verdict }: VerdictItem): string[] {
  const score = scoreOf(verdict)
  return [
    terms === undefined ? '-' : formatUsd(terms.usd).slice(1),
    terms === undefined ? '-' : terms.cpuLoad.toFixed(2),
    score === undefined ? '-' : scoreText(score)
  ]
}

/** A score as people compare it: three digits. */
export function scoreText(score: number): string {
  return String(Number(score.toPrecision(3)))
}

/** Why a peer was chosen or not, in few words: beside it stand the numbers, which `why` repeats for who has only that. */
export function verdictText({ fits, why, start, ...verdict }: VerdictItem, chosen: VerdictItem | undefined): string {
  if (!fits || (verdict.score ?? chosen?.score) === undefined) return why
  if (verdict.chosen) return `chosen${start === undefined ? '' : `, ${start} start`}`
  const [score = 0, least = 0] = [scoreOf(verdict), chosen === undefined ? undefined : scoreOf(chosen)]
  if (least <= 0 || score <= least) return why
  const ratio = Number((score / least).toPrecision(score < 10 * least ? 2 : 1))
  return ratio === 1 ? 'hardly above the chosen score' : `${ratio} times the chosen score`
}

/** A wait that is less than this share of all is not worth a word. */
const QUEUE_SHARE_TOLD = 0.1

/** What is behind an expected wait, where there is one: on a cluster that does nothing it comes as a surprise. */
export function queueLines(verdicts: readonly VerdictItem[]): string[] {
  const waits = verdicts.some(({ cost }) => cost !== undefined && cost.queue > QUEUE_SHARE_TOLD * cost.total)
  return waits ? ['QUEUE is the delay by all that uses the cores there now, programs that are not of this cluster included.'] : []
}

function needsText({ cpus, memoryBytes, imageBytes, gpus = 0 }: PlacementItem['needs']): string {
  const graphics = gpus === 0 ? '' : `  gpus ${gpus}`
  return `cpu ${cpus}  memory ${formatBytes(memoryBytes)}${graphics}  image ${formatBytes(imageBytes)}`
}

function placementLines(placement: PlacementItem, index: number, count: number, view: TableView): string[] {
  const { at, by, term, strategy, viewAgeMs, needs, verdicts, skipped } = placement
  const aim = placement.objective === undefined ? '' : ` for ${placement.objective}`
  const who = `${placement.placement}, term ${term}, ${strategy}${aim}`
  return [
    ...keyed([
      ['Needs     ', needsText(needs)],
      ['Decided', `${timeOfDay(at)} by ${by.name} (${who})${count > 1 ? `, placement ${index + 1} of ${count}` : ''}`],
      ...(placement.asked === undefined ? [] : [['Asked', policyText(placement.asked)] as const]),
      ['Knew', `what the peers said up to ${formatDurationMs(viewAgeMs)} before`]
    ]),
    ...renderTable(verdictsTable(verdicts), view),
    ...queueLines(verdicts),
    ...cacheLines(placement),
    ...remarkLines(placement),
    ...(skipped === 0 ? [] : [`${skipped} more peers were not looked at`])
  ]
}

/** Rules that did not hold, each a sentence of its own. */
export function remarkLines({ remarks = [] }: { remarks?: readonly string[] | undefined }): string[] {
  return remarks.map(remark => `${remark.charAt(0).toUpperCase()}${remark.slice(1)}.`)
}

/** What the cache had to do with it, where it had: all of it expected, none of it measured of this call. */
function cacheLines({ estimate: { cache }, verdicts }: PlacementItem): string[] {
  const short = verdicts.filter(({ cost }) => (cost?.cache ?? 0) > 0)
  if (cache === undefined || short.length === 0) return []
  const left = short.map(({ peer, terms }) => `${formatBytes(terms?.llcFreeBytes ?? 0)} on ${peer.name}`)
  return [`Cache  ${cacheNeedText(cache)}; expected to be left: ${left.join(', ')}`]
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value))
}
