import type { RecoveryAssessment } from '../../../model/recovery.ts'
import { type AnyCommand, defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import type { CliEnvironment } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'

const NOTHING_LOST = 'Nothing is lost: this peer is the only voter. Start it as it is: cares peer'

/** `cares recover`: works on a data directory of this machine, not through a peer. */
export function recover({ openRecovery }: CliEnvironment): AnyCommand {
  return defineCommand<{ data?: string; config?: unknown; force?: true }>({
    options: [
      { flags: '--data <DIR>', description: "the peer's data directory", env: 'CARES_DATA', completes: 'file' },
      { flags: '--force', description: 'do it; without it, only show what this peer holds' }
    ],
    description:
      'For the day on which a majority of the voters is lost for good, so that nothing can be agreed any more. Stop the peer first. Without --force it shows what the peer holds: compare all survivors, and recover the one with the greatest term of its last entry, then the greatest index. With --force that peer becomes the only one of a new cluster with the same functions; the others join it anew, with empty data directories.',
    examples: [
      { comment: 'What a survivor holds, to be compared', command: 'cares recover' },
      { comment: 'Go on from this one', command: 'cares recover --force' }
    ],
    async run(context) {
      const { options, note } = context
      const recovery = await openRecovery({ data: options.data, config: options.config })
      try {
        const { assessment } = recovery
        const data = { ...assessment, recovered: null }
        if (options.force !== true)
          return {
            kind: 'item',
            data,
            names: [assessment.peer],
            lines: () => [...held(assessment), '', needsNobody(assessment) ? NOTHING_LOST : 'To go on from here: cares recover --force']
          }
        for (const line of [...held(assessment), '', ...lost(assessment), '']) note(line)
        if (!(await confirm('Make this peer the only one of a new cluster?', context))) {
          note('nothing changed')
          return { kind: 'written', exitCode: EXIT.unexpected }
        }
        const uid = await recovery.recover()
        return {
          kind: 'item',
          data: { ...data, recovered: uid },
          names: [uid],
          lines: () => [
            `recovered: start this peer again (cares peer), without --bootstrap`,
            'then start each of the others with an empty data directory and the id that `cares id` prints here'
          ]
        }
      } finally {
        await recovery.close()
      }
    }
  })
}

function held({ data, peer, cluster, voters, learners, lastTerm, lastIndex, appliedIndex, functions }: RecoveryAssessment): string[] {
  const needed = Math.floor(voters.length / 2) + 1
  return [
    `data        ${data}`,
    `peer        ${peer}${voters.includes(peer) ? ', a voter' : ', no voter'}`,
    `cluster     ${cluster}: ${voters.length} voters, of which ${needed} are needed, and ${learners.length} other peers`,
    `last entry  term ${lastTerm}, index ${lastIndex}`,
    `agreed      up to ${appliedIndex} at least: ${functions} functions`
  ]
}

/** Whether it has all that was ever agreed, and agrees with itself. */
function needsNobody({ peer, voters }: RecoveryAssessment): boolean {
  return voters.length === 1 && voters[0] === peer
}

function lost(assessment: RecoveryAssessment): string[] {
  if (needsNobody(assessment)) return [NOTHING_LOST, 'Recovered, it would go on without the other peers of its cluster.']
  const { lastIndex, appliedIndex } = assessment
  return [
    `Lost will be what the others have agreed on after entry ${lastIndex}: this peer has never heard of it.`,
    ...(lastIndex > appliedIndex
      ? [`Entries ${appliedIndex + 1} to ${lastIndex} will count, though some may never have been agreed on.`]
      : []),
    'No other peer of the old cluster can come back with its data, also not a majority of them.'
  ]
}
