/*
 * What the predictor costs a placer: npx node --expose-gc scripts/bench/predictor.ts
 * Executions of 200 functions with inputs of all sizes, windows full; learning, asking for a size for the first time, and asking again.
 */
import { Predictor } from '../../src/core/predictor/predictor.ts'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import type { Observation } from '../../src/model/observation.ts'
import { createRandom } from '../../src/model/random.ts'

const FUNCTIONS = 200
const ROUNDS = 20_000

const random = createRandom(1)
const predictor = new Predictor()
const question = { digest: 'sha256:a' as Digest, contract: 'stdio' } as const

function nextObservation(): Observation {
  const inputBytes = Math.round(10 ** (7 * random()))
  return {
    function: `f${Math.floor(FUNCTIONS * random())}@1`,
    digest: question.digest,
    peer: `p${Math.floor(10 * random())}` as PeerId,
    start: 'warm',
    inputBytes,
    outputBytes: inputBytes,
    pullMs: 0,
    startMs: 2,
    runMs: 10 + inputBytes / 10_000 + random(),
    cpuMs: 8 + inputBytes / 10_000 + random(),
    memoryPeakBytes: 50_000_000 + inputBytes,
    clean: true
  }
}

const heapBytesBefore = heapBytes()
for (let i = 0; i < FUNCTIONS * 80; i++) predictor.observe(nextObservation())
const bytesEach = (heapBytes() - heapBytesBefore) / FUNCTIONS
const observed = measure(() => {
  const observation = nextObservation()
  return () => predictor.observe(observation)
})
const first = measure(() => {
  const observation = nextObservation()
  predictor.observe(observation)
  return () => void predictor.estimate({ ...question, function: observation.function, inputBytes: observation.inputBytes + 1 })
})
const again = measure(i => {
  const asked = { ...question, function: `f${i % FUNCTIONS}@1`, inputBytes: 77 }
  predictor.estimate(asked)
  return () => void predictor.estimate(asked)
})
console.log(`learn          ${observed}`)
console.log(`estimate anew  ${first}`)
console.log(`estimate again ${again}`)
console.log(`memory         ${Math.round(bytesEach / 1_000)} kB for each function`)

/** Microseconds of what `prepare` returns, each timed on its own. */
function measure(prepare: (round: number) => () => void): string {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const run = prepare(round)
    const started = performance.now()
    run()
    times.push(1_000 * (performance.now() - started))
  }
  times.sort((a, b) => a - b)
  const at = (share: number): string => (times[Math.floor(share * times.length)] ?? 0).toFixed(1).padStart(6)
  return `p50 ${at(0.5)} us  p99 ${at(0.99)} us`
}

/** Exact with `--expose-gc`. */
function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
}
