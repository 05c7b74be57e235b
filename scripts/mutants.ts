/* Plants known bugs, and looks whether they are found: `USAGE` says how. */
import { parseArgs } from 'node:util'
import { CALL_MUTANTS } from '../test/mutants/call-table.ts'
import { CALL_GROUND, CONSENSUS_GROUND, SERVICE_GROUND, TASK_GROUND, hunt, huntBySeeds, huntByTests } from '../test/mutants/hunt.ts'
import type { Edit } from '../test/mutants/mutant.ts'
import { PlantedCopy } from '../test/mutants/planted.ts'
import { SERVICE_MUTANTS } from '../test/mutants/service-table.ts'
import { EQUIVALENT, MUTANTS } from '../test/mutants/table.ts'
import { TASK_MUTANTS } from '../test/mutants/task-table.ts'

/** Seeds that an equivalent mutant must survive, beside the directed tests. */
const EQUIVALENT_SEEDS = 200

const USAGE = `Plants each known bug in a copy of consensus, of the way of a call, of durable tasks or of services, and looks whether
simulation or a directed test finds it. Each has a budget of seeds in its table, or none, and then a directed test must find it.

  npm run mutants [-- [NAME] [--only consensus|calls|tasks|services]]

  NAME         only those whose name contains it
  --only ROOM  only those of one room

Exits with 1 when one survives, or an equivalent one does not.

  npm run mutants -- --only services
  npm run mutants -- 'earlier term'`

const { values, positionals } = parseArgs({
  options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  allowPositionals: true
})
if (values.help) {
  console.log(USAGE)
  process.exit(0)
}
const wanted = positionals[0] ?? ''
let survivorsCount = 0

async function inCopy<Result>(
  edits: readonly Edit[],
  run: (copy: PlantedCopy) => Promise<Result>
): Promise<{ result: Result; seconds: number }> {
  const startMs = performance.now()
  const copy = await PlantedCopy.create(edits)
  try {
    return { result: await run(copy), seconds: (performance.now() - startMs) / 1_000 }
  } finally {
    await copy.remove()
  }
}

/** One that cannot be hunted must not end a run of an hour. */
function asUnclear(error: unknown): { readonly unclear: string } {
  return { unclear: `UNCLEAR: ${error instanceof Error ? error.message : String(error)}` }
}

function report(name: string, seconds: number, text: string): void {
  console.log(`${name.padEnd(54)} ${seconds.toFixed(1).padStart(6)} s  ${text}`)
}

for (const [what, ground, mutants] of [
  ['consensus', CONSENSUS_GROUND, MUTANTS],
  ['calls', CALL_GROUND, CALL_MUTANTS],
  ['tasks', TASK_GROUND, TASK_MUTANTS],
  ['services', SERVICE_GROUND, SERVICE_MUTANTS]
] as const) {
  const chosen = mutants.filter(mutant => mutant.name.includes(wanted) && (values.only ?? what) === what)
  if (chosen.length === 0) continue
  const { result: sound } = await inCopy([], copy => huntByTests(copy, ground))
  if (sound !== undefined) throw new Error(`without any bug, ${sound.by} fails`)
  for (const { name, edits, seedsMax } of chosen) {
    const { result, seconds } = await inCopy(edits, async copy => await hunt(copy, ground, seedsMax).catch(asUnclear))
    if (result === undefined || 'unclear' in result) survivorsCount += 1
    const by = result === undefined ? `SURVIVED ${seedsMax} seeds and the directed tests` : 'unclear' in result ? result.unclear : result.by
    report(name, seconds, by)
  }
}
for (const { name, edits, argument } of EQUIVALENT.filter(
  mutant => mutant.name.includes(wanted) && (values.only ?? 'consensus') === 'consensus'
)) {
  const { result, seconds } = await inCopy(edits, copy => huntBySeeds(copy, CONSENSUS_GROUND, { from: 1, to: EQUIVALENT_SEEDS }))
  if (result !== undefined) survivorsCount += 1
  report(name, seconds, result === undefined ? `equivalent: ${argument}` : `NOT EQUIVALENT: ${result.by}`)
}
process.exitCode = survivorsCount === 0 ? 0 : 1
