/**
 * How long idle containers are kept, on a day of real calls: cold starts and idle hours of the policy in use, against the same time for all.
 * `npx node scripts/bench/keep-alive.ts DIR`, where DIR holds `200_inv.csv` of the Azure Functions 2019 sample (calls per function and minute;
 * vhive-serverless/invitro, data/traces; CC-BY 4.0).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDemand, type Demand, isWorthKeeping, isWorthStarting, onCall, onCallEnd } from '../../src/core/pools/demand.ts'

const MINUTE_MS = 60_000
/** Columns before the minutes: function, owner, application. */
const NAMES = 3

const [folder = '.'] = process.argv.slice(2)
const rows = readFileSync(join(folder, '200_inv.csv'), 'utf8').trim().split('\n').slice(1)
const functions = rows.map(row => row.split(',').slice(NAMES).map(Number))
// Who is called once in the day starts cold whatever is done.
const repeated = functions.filter(minutes => minutes.reduce((sum, calls) => sum + calls, 0) > 1)

/** Whether a container of the function is there in a minute without calls. */
type IsKept = (demand: Demand, nowMs: number) => boolean

/** One function's day, minute by minute; within a minute its calls share one container. */
function replay(minutes: readonly number[], isKept: IsKept): { coldRatio: number; idleMinutes: number } {
  const demand = createDemand()
  let isWarm = false
  let cold = 0
  let calls = 0
  let idleMinutes = 0
  minutes.forEach((count, minute) => {
    const nowMs = minute * MINUTE_MS
    if (count === 0) {
      isWarm = calls > 0 && isKept(demand, nowMs)
      if (isWarm) idleMinutes++
      return
    }
    isWarm ||= calls > 0 && isKept(demand, nowMs)
    if (!isWarm) cold++
    isWarm = true
    calls += count
    onCall(demand, nowMs)
    onCallEnd(demand, nowMs)
  })
  return { coldRatio: cold / calls, idleMinutes }
}

function fixed(minutes: number): IsKept {
  return ({ idleSinceMs = 0 }, nowMs) => nowMs - idleSinceMs <= minutes * MINUTE_MS
}

const learned: IsKept = (demand, nowMs) => isWorthKeeping(demand, nowMs) || isWorthStarting(demand, nowMs)

console.log(`${repeated.length} functions that are called more than once, of ${functions.length}`)
for (const [name, policy] of [
  ['fixed 1 min', fixed(1)],
  ['fixed 10 min', fixed(10)],
  ['fixed 60 min', fixed(60)],
  ['fixed 240 min', fixed(240)],
  ['as their calls suggest', learned]
] as const) {
  const results = repeated.map(minutes => replay(minutes, policy))
  const ratios = results.map(({ coldRatio }) => coldRatio).toSorted((a, b) => a - b)
  const at = (share: number): string => `${(100 * (ratios[Math.floor((ratios.length - 1) * share)] ?? 0)).toFixed(1)} %`
  const hours = results.reduce((sum, { idleMinutes }) => sum + idleMinutes, 0) / 60
  console.log(`${name.padEnd(24)} cold starts of a function: median ${at(0.5)}, Q3 ${at(0.75)}; idle containers ${hours.toFixed(0)} h`)
}
