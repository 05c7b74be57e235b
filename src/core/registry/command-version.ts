import type { Command } from '../../model/command.ts'
import type { TaskChange } from '../../model/task.ts'

/**
 * The newest version of commands that this version of CARES reads: every peer says it of itself (`PeerProfile.commandVersion`), and an orchestrator
 * takes no command into the log that a member cannot read. So a cluster is upgraded peer by peer, and what is new can be used once the last one is.
 *
 * To add to what commands say (a kind, a field, a value, another meaning, a higher limit, anything that makes other tables): raise this number by one,
 * and have {@link versionOfCommand} or {@link versionOfChange} say it of the commands that have what is new, and of no others. A snapshot has the version
 * of the commands that made its tables, so rows may have new fields where those commands have them. Nothing else is to be done: who cannot read the
 * command is found, named and waited for by `propose`, and refused when it joins later.
 *
 * | version | what it added |
 * | --- | --- |
 * | 1 | all there was when versions were first told; also what a peer reads that does not say |
 */
export const COMMAND_VERSION = 1

/** What {@link COMMAND_VERSION} a peer must have to read a command: 1 or more. */
export function versionOfCommand(command: Command): number {
  switch (command.type) {
    case 'tasks':
      return command.changes.reduce((newest, change) => Math.max(newest, versionOfChange(change)), 1)
    default:
      return 1
  }
}

/** What {@link COMMAND_VERSION} a peer must have to read a change of tasks. */
export function versionOfChange(change: TaskChange): number {
  switch (change.type) {
    default:
      return 1
  }
}
