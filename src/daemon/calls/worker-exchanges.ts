import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId, Session } from '../../model/ids.ts'
import type {
  AnswerDown,
  AnswerEnd,
  AnswerHead,
  ExecuteDown,
  ExecuteUp,
  Order,
  RemoteError,
  Run,
  WholeAnswer
} from '../../model/invocation.ts'
import type { PeerStats } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import { toRemoteError } from '../../model/remote-error.ts'
import { AbortLinks } from '../abort-links.ts'
import type { Breakers } from './breaker.ts'
import { openWithin } from '../open-within.ts'
import type { WorkReport } from './placer-exchange.ts'
import type { ReplayBody } from './replay-body.ts'
import { isOpen } from './web-sockets.ts'

/** Longest wait for a channel to a worker: one that is connected answers at once. */
const OPEN_TIMEOUT_MS = 1_500

export interface WorkerExchangesComponents extends Pick<Breakers, 'silentWorkers'> {
  readonly transport: Transport
  readonly clock: Clock
}

/** How an exchange with a worker ended. */
export type WorkEnd =
  /** With the last byte of the answer. */
  | { readonly type: 'answered' }
  /** It promises that it has not started the work and will not. */
  | { readonly type: 'refused'; readonly error: RemoteError; readonly stats?: PeerStats | undefined }
  /** The work has failed, or nobody knows any more what came of it. */
  | { readonly type: 'failed'; readonly error: RemoteError; readonly run?: Run | undefined }
  /** Asked for the answer: it does not have the call and, in this session, never will. */
  | { readonly type: 'unknown'; readonly session: Session }
  /** Nobody knows. */
  | { readonly type: 'lost'; readonly error: CaresError }

type WorkerChannel = Channel<ExecuteUp, ExecuteDown>

/**
 * One call between its gateway and its workers: the order, and after a broken connection the question for the answer (`attach`). However often an answer
 * is begun, each byte of it is passed on once.
 */
export class WorkerExchanges {
  readonly #body: ReplayBody
  readonly #components: WorkerExchangesComponents
  /** The exchange with a worker that is under way. */
  #channel: WorkerChannel | undefined
  #isGivenUp = false
  #head: AnswerHead | undefined
  /** Bytes of the answer's body that were passed on. */
  #offset = 0
  #report: WorkReport = UNTYPICAL
  #rest: Promise<void> | undefined

  constructor({ body }: { body: ReplayBody }, components: WorkerExchangesComponents) {
    this.#body = body
    this.#components = components
  }

  /** Whether some of an answer was passed on. */
  get hasBegun(): boolean {
    return this.#head !== undefined
  }

  /**
   * Resolves when nothing of the body is sent any more: a function may read on after its answer, until the worker says that it does not, or the call's
   * signal aborts. Absent: that is so already.
   */
  get rest(): Promise<void> | undefined {
    return this.#rest
  }

  /** Waits for this worker no longer, if it does: the exchange with it ends as lost. The work is cancelled, should the worker ever hear of it. */
  giveUp(worker: PeerId): void {
    if (this.#channel?.remote !== worker) return
    this.#isGivenUp = true
    this.#channel.abort(new CaresError('cancelled', 'the gateway has given up a silent worker'))
  }

  /** How the last order ended, for who placed it. */
  get report(): WorkReport {
    return this.#report
  }

  /** Orders the work. An order that could not be sent counts as refused: nothing has started at a worker that was not reached. */
  async *order(worker: PeerId, order: Order, { signal }: { signal: AbortSignal }): AsyncGenerator<AnswerDown, WorkEnd> {
    const { clock, silentWorkers } = this.#components
    this.#report = UNTYPICAL
    const askedAtMs = clock.nowMs()
    let channel: WorkerChannel
    try {
      if (silentWorkers.isOpen(worker))
        throw new CaresError('peer_unreachable', `${worker} did not answer a moment ago`, { retryable: true })
      channel = await this.#open(worker, signal)
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      if (clock.nowMs() - askedAtMs >= OPEN_TIMEOUT_MS) silentWorkers.trip(worker)
      return { type: 'refused', error: toRemoteError(err, { started: false }) }
    }
    return yield* this.#converse(channel, { type: 'order', order }, signal)
  }

  /** Asks for the answer, or its rest, of what was ordered over a connection that is gone. */
  async *attach(
    worker: PeerId,
    { invocation, round, session }: { invocation: Order['invocation']; round: number; session: Session },
    { signal }: { signal: AbortSignal }
  ): AsyncGenerator<AnswerDown, WorkEnd> {
    let channel: WorkerChannel
    try {
      channel = await this.#open(worker, signal)
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      return { type: 'lost', error: toCaresError(err) }
    }
    return yield* this.#converse(channel, { type: 'attach', invocation, round, session, offset: this.#offset }, signal)
  }

  async #open(worker: PeerId, signal: AbortSignal): Promise<WorkerChannel> {
    const { transport, clock } = this.#components
    return openWithin(transport, 'execute', worker, { ms: OPEN_TIMEOUT_MS, clock, signal })
  }

  async *#converse(channel: WorkerChannel, first: ExecuteUp, signal: AbortSignal): AsyncGenerator<AnswerDown, WorkEnd> {
    using links = new AbortLinks()
    links.add(signal, reason => channel.abort(toCaresError(reason)))
    this.#channel = channel
    this.#isGivenUp = false
    let isOver = false
    let isAnswered = false
    let upload: Promise<void> | undefined
    try {
      await channel.send(first)
      while (true) {
        const message = await channel.receive()
        isOver = isLast(message)
        isAnswered = isOver && (message?.type === 'answer' || message?.type === 'answer-end')
        if (message === undefined) {
          return { type: 'lost', error: new CaresError('peer_lost', 'the worker ended the exchange without an answer') }
        }
        switch (message.type) {
          case 'accepted':
            if (first.type === 'attach') throw new CaresError('protocol', 'a worker asked an attached gateway for a body')
            upload = this.#upload(channel).finally(() => (upload = undefined))
            break
          case 'unknown':
            if (first.type === 'order') throw new CaresError('protocol', 'a worker answered an order as if it were an attach')
            return { type: 'unknown', session: message.session }
          case 'failed':
            if (!message.error.started) return { type: 'refused', error: message.error, stats: message.stats }
            this.#report = { untypical: message.error.code === 'peer_lost' }
            return { type: 'failed', error: message.error, run: message.run }
          default:
            yield* this.#pass(message)
            if (isOver) return { type: 'answered' }
        }
      }
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      // Not `peer_lost`: there is no point in asking a silent worker for its answer.
      if (this.#isGivenUp) return { type: 'lost', error: new CaresError('peer_unreachable', 'it does not answer any more') }
      const error = toCaresError(err)
      if (error.code !== 'peer_lost') throw error
      return { type: 'lost', error }
    } finally {
      this.#channel = undefined
      if (isAnswered && upload !== undefined && !isOpen(this.#head)) {
        this.#rest = sendRest(channel, upload, signal)
      } else {
        channel.end()
        // Reached early when the client stops reading.
        if (!isOver || upload !== undefined) channel.abort(new CaresError('cancelled', 'the gateway has ended the call'))
      }
    }
  }

  /** Passes on what is new in a part of the answer. */
  *#pass(message: Exclude<AnswerDown, { type: 'failed' }>): Generator<AnswerDown, void> {
    switch (message.type) {
      case 'answer': {
        const { head, whole } = message
        const isFirst = this.#head === undefined
        this.#head ??= head
        if (whole !== undefined) this.#onEnd(whole.end)
        if (isFirst) yield message
        else if (whole !== undefined) yield* this.#missing(whole)
        this.#body.release()
        break
      }
      case 'body':
        this.#offset += message.chunk.length
        yield message
        break
      case 'answer-end':
        this.#onEnd(message.end)
        yield message
    }
  }

  /** What is missing of an answer of which a part had arrived before its connection was lost. */
  *#missing({ body, end }: WholeAnswer): Generator<AnswerDown, void> {
    yield { type: 'body', chunk: body.subarray(this.#offset) }
    yield { type: 'answer-end', end }
  }

  /** Called before the last message is passed on, since its reader may read no further. */
  #onEnd({ usage }: AnswerEnd): void {
    const head = this.#head
    if (head !== undefined) this.#report = { run: { start: head.start, usage }, untypical: isOpen(head) }
  }

  /** Sends the body; never rejects: a broken body aborts the channel, and the reader of the channel sees why. */
  async #upload(channel: WorkerChannel): Promise<void> {
    try {
      for await (const chunk of this.#body.stream()) await channel.send({ type: 'body', chunk })
      await channel.send({ type: 'end' })
    } catch (err) {
      channel.abort(toCaresError(err))
    }
  }
}

/** Lets an upload go on by itself. It never rejects. Does not wait for a client that is silent once the exchange is over. */
async function sendRest(channel: WorkerChannel, upload: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  using links = new AbortLinks()
  links.add(channel.signal, () => resolve())
  links.add(signal, reason => channel.abort(toCaresError(reason)))
  void upload.then(resolve)
  await promise
  channel.end()
}

const UNTYPICAL: WorkReport = { untypical: true }

/** Whether nothing follows. */
function isLast(message: ExecuteDown | undefined): boolean {
  switch (message?.type) {
    case 'accepted':
    case 'body':
      return false
    case 'answer':
      return message.whole !== undefined
    default:
      return true
  }
}
