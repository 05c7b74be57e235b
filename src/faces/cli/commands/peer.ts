import { CaresError } from '../../../model/errors.ts'
import type { ClusterStatus } from '../../../model/service.ts'
import type { CliEnvironment, Flags, RunnablePeer } from '../environment.ts'
import { type AnyCommand, type CommandContext, defineCommand } from '../command.ts'
import { startError } from '../../start-error.ts'
import { printResult } from '../output.ts'

/** Between two looks at whether the peer has become a member. */
const READY_POLL_MS = 100

/** After so long a peer that is not a member yet is announced as it is: it goes on trying, and its log says why. */
const READY_TIMEOUT_MS = 15_000

/** `cares peer`. Made for an environment: that knows the flags of a peer, which would be slow to load for every other command. */
export async function peer(environment: CliEnvironment): Promise<AnyCommand> {
  return defineCommand<Flags>({
    options: await environment.peerFlags(),
    description:
      'Runs in the foreground until it is interrupted; its log goes to stderr. Without --bootstrap it is the first peer of a new cluster, or returns to the one that its data directory knows. The first SIGINT or SIGTERM drains and stops it, a second one ends it at once.',
    examples: [
      { comment: 'The first peer of a new cluster', command: 'cares peer' },
      { comment: 'Join it from another machine', command: 'CARES_BOOTSTRAP="$(ssh first cares id)" cares peer' },
      { comment: 'Two peers on one machine', command: 'cares peer --data /tmp/b --http 127.0.0.1:7071 --listen /ip4/0.0.0.0/tcp/4002' },
      { comment: 'Without Docker (gives no isolation)', command: 'cares peer --runtime process' }
    ],
    async run(context) {
      const { signal, note, options } = context
      if (options['api'] !== undefined) {
        throw new CaresError('invalid', '--api names a peer that runs already', {
          hint: 'where this one is to serve its API: cares peer --http HOST:PORT'
        })
      }
      const running = await started(environment, context)
      try {
        const cluster = await settled(running, context)
        if (running.service.profile.runtime === 'process') note(NO_ISOLATION)
        await announce(running, cluster, context)
        await Promise.race([aborted(signal), running.left])
        note(signal.aborted ? STOPPING : 'this peer has left its cluster; stopping')
      } finally {
        await running.stop()
      }
      return { kind: 'written' }
    }
  })
}

const STOPPING = 'stopping; interrupt again to end at once'

const NO_ISOLATION =
  'cares: --runtime process gives NO ISOLATION: functions run as this user, with its files and its network. Only for programs that you trust.'

async function started({ createPeer }: CliEnvironment, { options, signal, note }: CommandContext<Flags>): Promise<RunnablePeer> {
  try {
    const peer = await createPeer(options)
    try {
      signal.throwIfAborted()
      // A peer that finds nobody of its cluster would start for ever.
      const starting = peer.start()
      await Promise.race([starting, aborted(signal)])
      if (signal.aborted) {
        note(STOPPING)
        starting.catch(() => {}) // It fails of the stop that follows.
        signal.throwIfAborted()
      }
    } catch (error) {
      await peer.stop()
      throw error
    }
    return peer
  } catch (error) {
    throw startError(error)
  }
}

/** Waits until the peer is a member of a cluster whose id can be told. */
async function settled({ service }: RunnablePeer, { clock, signal }: CommandContext<Flags>): Promise<ClusterStatus> {
  const deadlineMs = clock.nowMs() + READY_TIMEOUT_MS
  while (!signal.aborted && clock.nowMs() < deadlineMs) {
    const cluster = service.cluster()
    if (cluster.id !== null && cluster.uid !== null && cluster.orchestrator !== null) return cluster
    // An interruption is seen by the loop.
    await clock.sleep(READY_POLL_MS, { signal }).catch(() => {})
  }
  return service.cluster()
}

async function announce(
  { service, apiUrl }: RunnablePeer,
  cluster: ClusterStatus,
  { terminal, output, options, note }: CommandContext<Flags>
): Promise<void> {
  const { profile } = service
  const { id } = cluster
  // What is not a terminal is mostly a journal, which others read and which is kept: no place for a secret.
  const shownId = terminal.stdout.isTTY === true ? id : withoutSecret(id)
  const data = {
    id: profile.id,
    name: profile.name,
    api: apiUrl,
    cluster: shownId,
    orchestrator: cluster.orchestrator?.name ?? null,
    runtime: profile.runtime
  }
  // Who reads a pipe here is a program that waits for the peer. One object a line, as in every stream: the process goes on, and the reader
  // must know where the object ends.
  const forProgram = options['output'] === undefined && terminal.stdout.isTTY !== true
  const format = forProgram || output.format === 'json' ? 'jsonl' : output.format
  const lines = [`peer     ${profile.name}`, `api      ${apiUrl}`, `cluster  ${shownId ?? '-'}`]
  await printResult({ kind: 'item', data, names: [profile.name], lines: () => lines }, terminal, { ...output, format }, note)
  if (id === null) note('not a member of a cluster yet; the log says why')
  else
    note(
      `join from another machine: CARES_BOOTSTRAP=${cluster.private ? `"$(ssh THIS-MACHINE ${idCommand(apiUrl)})"` : `'${id}'`} cares peer`
    )
}

/** What follows the # of a cluster id is the secret. */
function withoutSecret(id: string | null): string | null {
  return id?.replace(/#.*/, '') ?? null
}

/** How `cares id` finds the peer that serves there. */
function idCommand(apiUrl: string): string {
  return new URL(apiUrl).port === '7070' ? 'cares id' : `cares id --api ${apiUrl}`
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
