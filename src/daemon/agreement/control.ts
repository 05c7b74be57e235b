import type { ControlAnswer, ControlRequest, PeerAddress } from '../../model/control.ts'
import { assertNever, CaresError } from '../../model/errors.ts'
import type { ClusterUid, PeerId } from '../../model/ids.ts'
import type { PeerLife } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import { toRemoteError } from '../../model/remote-error.ts'
import { memberRefusal, versionReadBy } from './command-readers.ts'
import type { Consensus } from './consensus.ts'
import type { Economy } from '../costs/economy.ts'
import type { Governor } from './governor.ts'
import type { History } from '../telemetry/history.ts'
import type { InvocationBook } from '../calls/invocation-book.ts'
import type { Gateway } from '../calls/invoke.ts'
import type { LogBook } from '../telemetry/log-book.ts'
import type { Members } from '../members/members.ts'
import { REACH_MS, reaches } from '../members/reach.ts'
import type { Worker } from '../calls/work.ts'

/** Longest that a change of members or of the log may take; after it, the asker is told to try again. */
const CHANGE_TIMEOUT_MS = 5_000

export interface ControlComponents {
  readonly consensus: Consensus
  readonly governor: Governor
  readonly members: Members
  readonly worker: Worker
  readonly gateway: Gateway
  readonly book: InvocationBook
  readonly logs: LogBook
  readonly history: History
  readonly economy: Economy
  readonly transport: Transport
  readonly clock: Clock
  readonly cluster: () => ClusterUid | null
}

type ControlChannel = Channel<ControlAnswer, ControlRequest>

/** Answers other peers' questions on `/cares/control`. */
export class Control {
  readonly #components: ControlComponents

  constructor(components: ControlComponents) {
    this.#components = components
  }

  async serve(channel: ControlChannel): Promise<void> {
    const request = await channel.receive()
    if (request === undefined) throw new CaresError('protocol', 'the exchange ended without a question')
    try {
      if (request.type === 'reach') {
        const { peer } = request
        // Nobody is dialled for it: who is not connected here is not reached from here.
        const isConnected = peer !== undefined && this.#components.transport.connected().includes(peer)
        const reached = peer === undefined || (isConnected && (await reaches(peer, REACH_MS, this.#components)))
        await channel.send({ type: 'reached', reached })
      } else if (request.type === 'logs') {
        for await (const line of this.#components.logs.query(request.query, { signal: channel.signal }))
          await channel.send({ type: 'log', line })
        await channel.send({ type: 'end' })
      } else if (request.type === 'history') {
        const { stepMs, functions } = this.#components.history.read(request)
        for (const history of functions)
          if (history.calls.some(count => count > 0)) await channel.send({ type: 'function-history', stepMs, history })
        await channel.send({ type: 'end' })
      } else if (request.type === 'invocations') {
        for (const invocation of this.#components.book.summaries(request.query)) await channel.send({ type: 'summary', invocation })
        await channel.send({ type: 'end' })
      } else {
        await channel.send(await this.#answer(channel.remote, request, channel.signal))
      }
    } catch (err) {
      if (channel.signal.aborted) return
      await channel.send({ type: 'failed', error: toRemoteError(err, { started: false }) })
    }
    channel.end()
  }

  async #answer(
    from: PeerId,
    request: Exclude<ControlRequest, { type: 'reach' | 'logs' | 'history' | 'invocations' }>,
    aborted: AbortSignal
  ): Promise<ControlAnswer> {
    const { consensus, governor, book, worker, gateway, economy, clock } = this.#components
    const signal = AbortSignal.any([aborted, clock.timeout(CHANGE_TIMEOUT_MS)])
    switch (request.type) {
      case 'join':
        return this.#admit(from, request, signal)
      case 'leave': {
        const { peer, force = false } = request
        this.#assertOrchestrator()
        if (peer !== from) return { type: 'left', wasMember: await governor.remove(peer, { force, signal }) }
        await governor.dismiss(from, { signal })
        return { type: 'left' }
      }
      case 'read-index':
        return { type: 'read-index', index: await consensus.readIndex({ signal }) }
      case 'propose':
        return { type: 'outcome', ...(await consensus.propose(request.command, { signal })) }
      case 'invocation':
        return { type: 'invocation', record: book.find(request.invocation) ?? null }
      case 'function':
        return { type: 'function', record: consensus.tables.functions.get(request.name) ?? null }
      case 'cut':
        economy.noteCut(from, request)
        return { type: 'noted' }
      case 'observations':
      case 'costs':
      case 'admission':
        return economy.answer(request, () => this.#assertOrchestrator())
      case 'cancel':
        return { type: 'cancelled', found: [gateway.cancel(request.invocation), worker.cancel(request.invocation)].includes(true) }
      default:
        return assertNever(request)
    }
  }

  async #admit(
    from: PeerId,
    { profile, cluster: claimed }: Extract<ControlRequest, { type: 'join' }>,
    signal: AbortSignal
  ): Promise<ControlAnswer> {
    const { consensus, governor, members } = this.#components
    const cluster = this.#components.cluster()
    if (profile.id !== from) throw new CaresError('protocol', 'a peer joins only for itself')
    if (cluster === null) throw new CaresError('no_orchestrator', 'this peer is not in a cluster yet', { retryable: true })
    if (claimed !== undefined && claimed !== cluster) {
      throw new CaresError('conflict', 'the data directory of the joining peer belongs to another cluster', {
        hint: 'start it with an empty data directory: cares peer --data DIR',
        details: { cluster }
      })
    }
    if (members.isOutdated(profile)) throw outdatedLife(profile, members.lifeOf(from))
    const tooOld = memberRefusal(versionReadBy(profile), consensus.commandVersion)
    if (tooOld !== null) throw tooOld
    this.#assertOrchestrator()
    members.learn(profile)
    await governor.admit(from, versionReadBy(profile), { signal })
    const { voters, learners } = consensus.configuration
    return { type: 'joined', cluster, orchestrator: consensus.role.leader, members: members.addressesOf([...voters, ...learners]) }
  }

  #assertOrchestrator(): void {
    const { consensus, members } = this.#components
    const { active, leader } = consensus.role
    if (active) return
    const addresses: readonly PeerAddress[] = leader === null ? [] : members.addressesOf([leader])
    throw new CaresError('not_orchestrator', 'this peer is not the orchestrator', {
      retryable: true,
      details: { orchestrator: leader, addresses: addresses.flatMap(address => address.addresses) }
    })
  }
}

/**
 * A peer counts its starts on its disk. One that comes with a smaller count than others have seen runs on what was restored from a backup, and one
 * with the same count but of another process on a copy: what it promised since, a vote or an acknowledgement, is not on that disk.
 */
function outdatedLife({ session }: PeerLife, known: PeerLife | undefined): CaresError {
  return new CaresError(
    'conflict',
    `the data directory is an old or a copied one: this is start ${session} of this peer by it, the cluster has seen ${known?.session === session ? 'another' : `start ${known?.session ?? 0}`}`,
    {
      hint: 'move its whole data directory away and start it again: it joins as a new peer; stop any other process with the same identity',
      details: { outdated: true }
    }
  )
}
