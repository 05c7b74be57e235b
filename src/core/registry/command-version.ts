import type { Command } from '../../model/command.ts'
import type { TaskChange } from '../../model/task.ts'

/**
 * The newest version of commands that this version of CARES reads: every peer says it of itself (`PeerProfile.commandVersion`), and an orchestrator
 * takes no command into the log that a member cannot read. So a cluster is upgraded peer by peer, and what is new can be used once the last one is.
 *
 * To change what commands can say (a kind, a field, a value, another meaning, a higher limit: anything that makes other tables), raise this number by one,
 * and have {@link versionOfCommand} or {@link versionOfChange} return it for the commands that use what is new, and for no others. Nothing else is to be
 * done: `propose` refuses such a command while a member cannot read it, and names those members; a peer that cannot read it is refused when it joins later.
 * A snapshot has the version of the commands that made its tables, so its rows may have the new fields of those commands.
 *
 * | version | what it added |
 * | --- | --- |
 * | 1 | everything up to the introduction of versions; a peer that tells no version reads this one |
 * | 2 | services: tasks with a `service`, and changes of their health |
 */
export const COMMAND_VERSION = 2

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
function versionOfChange(change: TaskChange): number {
  switch (change.type) {
    case 'submit':
      return change.spec.service === undefined ? 1 : 2
    case 'health':
      return 2
    default:
      return 1
  }
}
