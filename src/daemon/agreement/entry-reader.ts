import { applyCommands } from '../../core/registry/apply-command.ts'
import { versionOfCommand } from '../../core/registry/command-version.ts'
import { Sharing } from '../../core/tasks/sharing.ts'
import type { Command, CommandCodec } from '../../model/command.ts'
import type { Entry } from '../../model/consensus.ts'
import type { Applied, RegistryTables } from '../../model/ports/store.ts'
import type { ConsensusComponents } from './consensus-init.ts'
import type { Committed } from './proposals.ts'

/** Reads what committed entries do to the tables. */
export class EntryReader {
  readonly #codec: CommandCodec
  readonly #sharing = new Sharing()
  /** What a peer must read to read a command. */
  readonly versionOf: (command: Command) => number

  constructor({ codec, versionOf = versionOfCommand }: Pick<ConsensusComponents, 'codec' | 'versionOf'>) {
    this.#codec = codec
    this.versionOf = versionOf
  }

  /** The tables after these entries, and what each command among them did. Throws `incompatible` for a command that this version does not know in full. */
  read(before: RegistryTables, entries: readonly Entry[]): { tables: RegistryTables; applied: readonly (Applied & Committed)[] } {
    const entered = entries.filter(entry => entry.kind === 'command')
    const commands = entered.map(({ command }) => this.#decode(command))
    const { tables, outcomes } = applyCommands(before, commands, this.versionOf)
    const applied = entered.flatMap(({ index, term }, at) => {
      const [command, outcome] = [commands[at], outcomes[at]]
      return command === undefined || outcome === undefined ? [] : [{ index, term, command, outcome }]
    })
    return { tables, applied }
  }

  #decode(bytes: Uint8Array): Command {
    const command = this.#codec.decode(bytes)
    return command.type === 'tasks' ? { ...command, changes: command.changes.map(change => this.#sharing.change(change)) } : command
  }
}
