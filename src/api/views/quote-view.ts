import { defined } from '../../model/defined.ts'
import type { Decision, Estimate, Verdict } from '../../model/placement.ts'
import type { PeerProfile } from '../../model/peer.ts'
import { shareOfMachine, usdOf } from '../../model/price.ts'
import type { Quote } from '../../model/rest-quote.ts'
import type { Quoted } from '../../model/service.ts'
import { verdictItems } from './explanation-view.ts'
import type { PeerRef } from './names.ts'
import { quoteRemarks } from './placement-remarks.ts'

type Fitting = Extract<Verdict, { fits: true }>

/** With fewer executions an estimate is a guess; with so many, half of them predicted as well as this, it is a good one. */
const SAMPLES_ROUGH = 3
const SAMPLES_GOOD = 10
const ERROR_RATIO_GOOD = 0.2

/** A quote with its bounds, its price, and how sure it is. */
export function quoteView(
  quoted: Quoted,
  { name, profileOf }: { name: (id: string) => PeerRef; profileOf: (id: string) => PeerProfile | undefined }
): Quote {
  const { function: fn, inputBytes, params, asked, strategy, objective, estimate, decision, refusal } = quoted
  const verdict = decision.verdicts.find(({ peer }) => peer === decision.chosen)
  const chosen = verdict?.fits === true ? verdict : undefined
  const profile = chosen === undefined ? undefined : profileOf(chosen.peer)
  const upperMs = estimate.runMsUpper ?? estimate.runMs
  const [candidate] = verdictItems(decision, strategy, name)
  return {
    function: fn.name,
    revision: fn.revision,
    inputBytes,
    ...defined({ params, asked }),
    strategy,
    objective,
    peer: decision.chosen === null ? null : name(decision.chosen),
    start: chosen?.start ?? null,
    why: decision.chosen === null ? refusal : (candidate?.why ?? ''),
    time: chosen === undefined ? null : { ms: chosen.cost.total, upperMs: upperTotalMs(chosen, estimate) },
    run: { ms: estimate.runMs, upperMs, ...defined({ cpuMs: estimate.cpuMs }) },
    memory: {
      ...(estimate.memoryPeakBytes === undefined ? {} : { bytes: Math.round(estimate.memoryPeakBytes) }),
      ...(estimate.memoryPeakBytesUpper === undefined ? {} : { upperBytes: Math.ceil(estimate.memoryPeakBytesUpper) }),
      limitBytes: fn.memoryBytes
    },
    outputBytes: Math.round(estimate.outputBytes),
    ...(estimate.cache === undefined ? {} : { cache: { ...estimate.cache } }),
    cost: costOf({ decision, estimate, fn, profile }),
    sure: {
      level: levelOf(estimate),
      samples: estimate.samples,
      ...defined({ basis: estimate.basis, errorRatio: estimate.runErrorRatio })
    },
    remarks: quoteRemarks(quoted, name),
    candidates: verdictItems(decision, strategy, name)
  }
}

/** The start, the run, and the wait behind others' runs, may take as much longer as their bounds say. */
function upperTotalMs({ start, cost }: Fitting, estimate: Estimate): number {
  const { runMs, runMsUpper = runMs, coldStartMs, coldStartMsUpper = coldStartMs, warmStartMs, warmStartMsUpper = warmStartMs } = estimate
  const begun = start === 'cold' ? over(coldStartMsUpper, coldStartMs) : over(warmStartMsUpper, warmStartMs)
  return cost.total + over(runMsUpper, runMs) * (cost.run + cost.queue) + begun * cost.start
}

/** By which part of what is expected the most is above it. */
function over(upperMs: number, ms: number): number {
  return ms > 0 ? upperMs / ms - 1 : 0
}

function costOf({
  decision,
  estimate,
  fn,
  profile
}: {
  decision: Decision
  estimate: Estimate
  fn: { cpus: number; memoryBytes: number }
  profile: PeerProfile | undefined
}): Quote['cost'] {
  const verdict = decision.verdicts.find(({ peer }) => peer === decision.chosen)
  if (verdict?.fits !== true || profile === undefined || profile.usdPerHour === 0) return null
  const share = shareOfMachine(profile.capacity, fn.cpus, fn.memoryBytes)
  const usd = (ms: number): number => usdOf(profile.usdPerHour, share, ms - verdict.cost.network)
  return { usd: usd(verdict.cost.total), upperUsd: usd(upperTotalMs(verdict, estimate)) }
}

function levelOf({ samples, runErrorRatio }: Estimate): Quote['sure']['level'] {
  if (samples < SAMPLES_ROUGH) return 'guess'
  return samples >= SAMPLES_GOOD && runErrorRatio !== undefined && runErrorRatio <= ERROR_RATIO_GOOD ? 'good' : 'rough'
}
