import type { CallPolicy } from '../../model/function.ts'
import { type Decision, REJECTION_REASONS, type RejectionReason, type Verdict } from '../../model/placement.ts'
import { formatBytes, formatDurationMs, formatUsd } from '../../model/units.ts'

type Refused = Extract<Verdict, { fits: false }>

/** What is missing everywhere, and what one peer or several of them are or lack. */
interface Words {
  readonly nobody: string
  readonly one: string
  readonly several: string
  readonly unit?: (amount: number) => string
}

const WORDS: Readonly<Record<RejectionReason, Words>> = {
  not_alive: { nobody: 'no peer is alive', one: 'is not alive', several: 'are not alive' },
  draining: { nobody: 'every peer is draining', one: 'is draining', several: 'are draining' },
  excluded: { nobody: 'every peer has refused it already', one: 'has refused it already', several: 'have refused it already' },
  not_pinned: {
    nobody: 'the peer that was asked for is not known',
    one: 'is not the one that was asked for',
    several: 'are not the one that was asked for'
  },
  no_runtime: {
    nobody: 'no peer has a runtime that answers',
    one: 'has no runtime that answers',
    several: 'have no runtime that answers'
  },
  wrong_arch: {
    nobody: 'no peer has the CPU architecture of the image',
    one: 'has another CPU architecture',
    several: 'have another CPU architecture'
  },
  gpus: {
    nobody: 'no peer has the GPUs that it asks for',
    one: 'has too few GPUs',
    several: 'have too few GPUs',
    unit: String
  },
  labels: {
    nobody: 'no peer has the labels that are required',
    one: 'lacks a required label',
    several: 'lack a required label'
  },
  memory: {
    nobody: 'no peer has enough memory',
    one: 'has too little memory',
    several: 'have too little memory',
    unit: formatBytes
  },
  slots: { nobody: 'no peer has a free slot', one: 'has no free slot', several: 'have no free slot' },
  deadline: {
    nobody: 'no peer is quick enough for the time that is left',
    one: 'is too slow for the time that is left',
    several: 'are too slow for the time that is left',
    unit: formatDurationMs
  },
  budget: {
    nobody: 'no peer is cheap enough for the most that a call may cost',
    one: 'is too dear for the most that a call may cost',
    several: 'are too dear for the most that a call may cost',
    unit: formatUsd
  }
}

/**
 * Why nobody got the work, in words for a person: one clause for each reason, the most frequent first, with the amounts of the peer that came
 * nearest, the labels of `require`, and what the image is for. E.g. `no peer has enough memory: 3 of 3 (needs 512Mi, at most 118Mi is left)`, or
 * `no peer can take it: 2 of 3 have too little memory (…), 1 of 3 is draining`.
 */
export function refusalText(
  { verdicts, rejected }: Pick<Decision, 'verdicts' | 'rejected'>,
  { require = [] }: Pick<CallPolicy, 'require'> = {}
): string {
  const more = (reason: RejectionReason): string => {
    if (reason === 'labels' && require.length > 0) return ` (${require.join(', ')})`
    return reason === 'wrong_arch' ? imageArch(verdicts) : amounts(reason, verdicts)
  }
  const reasons = REJECTION_REASONS.filter(reason => (rejected[reason] ?? 0) > 0).sort((a, b) => (rejected[b] ?? 0) - (rejected[a] ?? 0))
  const all = reasons.reduce((sum, reason) => sum + (rejected[reason] ?? 0), 0)
  const [only] = reasons
  if (only === undefined) return 'no peer is known'
  if (reasons.length === 1) return `${WORDS[only].nobody}: ${all} of ${all}${more(only)}`
  const clauses = reasons.map(reason => {
    const count = rejected[reason] ?? 0
    return `${count} of ${all} ${count === 1 ? WORDS[reason].one : WORDS[reason].several}${more(reason)}`
  })
  return `no peer can take it: ${clauses.join(', ')}`
}

function imageArch(verdicts: readonly Verdict[]): string {
  for (const verdict of verdicts) if (!verdict.fits && verdict.arch !== undefined) return ` (the image is for ${verdict.arch.image})`
  return ''
}

/** What is needed and the most that any of these peers has; empty where the reason has no amounts. */
function amounts(reason: RejectionReason, verdicts: readonly Verdict[]): string {
  const { unit } = WORDS[reason]
  const measured = verdicts.filter(
    (verdict): verdict is Refused & { needed: number; available: number } =>
      !verdict.fits && verdict.reason === reason && verdict.needed !== undefined && verdict.available !== undefined
  )
  if (unit === undefined || measured.length === 0) return ''
  // The least that any of them needs: only a deadline differs, as it is expected time on each machine.
  const needed = Math.min(...measured.map(verdict => verdict.needed))
  const available = Math.max(...measured.map(verdict => verdict.available))
  return ` (needs ${unit(needed)}, at most ${unit(available)} is ${reason === 'budget' ? 'allowed' : 'left'})`
}
