/*
 * Searches every state of the models of consensus: npm run model-check
 * Prints a line for each model and each unsound variant; exits with 1 when one is not as expected, with 2 without Spin and a C compiler.
 */
import { RUNS } from '../test/model-check/runs.ts'
import { check, hasSpin } from '../test/model-check/spin.ts'

if (!(await hasSpin())) {
  console.error('needs spin and cc (Debian: apt-get install spin gcc libc6-dev)')
  process.exit(2)
}
for (const run of RUNS) {
  const { result, states, seconds, failed } = await check(run)
  const isExpected = result === run.expected
  if (!isExpected) process.exitCode = 1
  console.log(
    `${isExpected ? 'ok    ' : 'WRONG '} ${run.name.padEnd(56)} ${result} ${String(states).padStart(8)} states ${seconds.toFixed(1).padStart(5)} s` +
      (failed === undefined ? '' : `  ${failed}`)
  )
}
