import { versionOfCommand } from '../../core/registry/command-version.ts'
import type { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { BlobStore } from '../../model/ports/blob-store.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { TaskChange, TaskId, TaskSession } from '../../model/task.ts'
import { membersOf } from '../../core/consensus/log.ts'
import type { Agreement } from '../agreement/agreement.ts'
import { newVersionRefusal } from '../agreement/command-readers.ts'
import { Blobs } from '../blobs/blobs.ts'
import type { Consensus } from '../agreement/consensus.ts'
import { fencedRefusal } from '../agreement/proposals.ts'
import type { DaemonComponents } from '../daemon-ports.ts'
import type { Functions } from '../functions.ts'
import type { LogBook } from '../telemetry/log-book.ts'
import type { Members } from '../members/members.ts'
import { Ingress } from '../services/ingress.ts'
import { Tunnels } from '../services/tunnels.ts'
import { GatheredTaskStore } from './gathered-task-store.ts'
import { LogTaskStore } from './log-task-store.ts'
import { createPayloads } from './payloads.ts'
import { Tasks, type TasksComponents } from './tasks.ts'

/** What a peer has that {@link TaskParts} are made of. */
export interface TaskPartsComponents
  extends Pick<
      TasksComponents,
      | 'runtime'
      | 'transport'
      | 'placer'
      | 'clock'
      | 'log'
      | 'events'
      | 'timings'
      | 'draining'
      | 'onRoom'
      | 'onTask'
      | 'onAttemptBegun'
      | 'onAttemptEnded'
    >,
    Pick<DaemonComponents, 'newInvocationId' | 'tcp'> {
  /** @default the replicated log */
  readonly taskStore?: TaskStore | undefined
  /** Absent: there are only small inputs and results. */
  readonly blobs?: BlobStore | undefined
  readonly consensus: Consensus
  readonly agreement: Agreement
  readonly members: Members
  readonly functions: Functions
  readonly logs: LogBook
}

/** Tasks, and what they need. */
export interface TaskParts {
  readonly tasks: Tasks
  /** Must be told of what was agreed, whether it is the one that is used or not. */
  readonly taskLog: LogTaskStore
  /** Null: there are only small inputs and results. */
  readonly blobs: Blobs | null
  /** Null: this peer takes no connections for services. */
  readonly ingress: Ingress | null
  /** Null: no service that runs here can be reached. */
  readonly tunnels: Tunnels | null
}

/** Puts together what a peer has to do with tasks: where they are kept, what goes in and comes out, and who acts. */
export function createTasks(components: TaskPartsComponents): TaskParts {
  const { consensus, agreement, members, functions, logs, transport, clock, log, newInvocationId } = components
  const taskLog = new LogTaskStore({
    tables: () => consensus.tables.tasks,
    agree: (command, options) => agreement.agree(command, options),
    propose: (command, within, { signal }) => consensus.propose(command, { term: within, signal })
  })
  // The log refuses by itself what a member cannot read; a database knows no members.
  const unreadable = (changes: readonly TaskChange[]): CaresError | null =>
    components.taskStore === undefined ? null : newVersionRefusal(versionOfCommand({ type: 'tasks', changes }), present(), members)
  const present = (): PeerId[] => members.views().flatMap(({ profile, state }) => (state === 'gone' ? [] : [profile.id]))
  const refusal = (changes: readonly TaskChange[]): CaresError | null =>
    consensus.fenced === null ? unreadable(changes) : fencedRefusal(consensus.fenced)
  const store = new GatheredTaskStore(components.taskStore ?? taskLog, { clock, refusal })
  const blobs =
    components.blobs === undefined
      ? null
      : new Blobs({
          store: components.blobs,
          transport,
          clock,
          log: log.child('blobs'),
          voters: () => consensus.configuration.voters,
          peers: () => members.views().flatMap(({ state, profile: { id } }): PeerId[] => (state === 'alive' ? [id] : [])),
          // Who knows of no orchestrator may not know of the newest tasks either.
          referred: async () => (consensus.role.leader === null ? null : store.blobs())
        })
  const tasks = new Tasks({
    ...components,
    store,
    payloads: createPayloads(blobs),
    log: log.child('tasks'),
    newTaskId: () => `t${newInvocationId().slice(1)}` as TaskId,
    newTaskSession: () => `s${newInvocationId().slice(1)}` as TaskSession,
    role: () => consensus.role,
    term: () => consensus.term,
    views: () => members.views(),
    findFunction: (name, options) => functions.find(name, options),
    onLog: line => logs.append(line)
  })
  const { tcp } = components
  if (tcp === undefined) return { tasks, taskLog, blobs, ingress: null, tunnels: null }
  const ingress = new Ingress({ ...components, tcp, store, log: log.child('ingress') })
  const isMember = (peer: PeerId): boolean => membersOf(consensus.configuration).includes(peer)
  return { tasks, taskLog, blobs, ingress, tunnels: new Tunnels({ tcp, clock, isMember, addressOf: id => tasks.addressOf(id) }) }
}
