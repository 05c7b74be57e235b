import type { AdmissionQuestion, AdmissionRecord, AdmissionRequest } from '../../model/admission.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Admissions } from './admissions.ts'
import { ask } from '../agreement/control-client.ts'

/** How often this peer checks whether there is a new orchestrator. */
const LOOK_MS = 1_000
/** Longest that an answer may take, elections included. */
const ASK_TIMEOUT_MS = 5_000
/** Pause between two tries while there is no orchestrator, or the last one is lost. */
const RETRY_MS = 100
/** Failures after which another try may succeed: with the same id a question counts once, however often it arrives. */
const PASSING: ReadonlySet<string> = new Set(['no_orchestrator', 'not_orchestrator', 'peer_lost', 'peer_unreachable'])
/** Admissions that came through this peer and have not ended. */
const OPEN_MAX = 1_000

export interface AdmissionGateComponents {
  readonly admissions: Pick<Admissions, 'answer'>
  readonly transport: Transport
  readonly role: () => { readonly leader: PeerId | null; readonly term: Term }
  readonly clock: Clock
  readonly log: Logger
}

interface Open {
  readonly request: AdmissionRequest
  /** Once it is approved. */
  readonly approved?: { readonly peer: PeerId; readonly atMs: number } | undefined
}

/**
 * Where clients ask for admission: any peer passes it on to the orchestrator. It remembers what came through it, and tells the next orchestrator,
 * which knows nothing of it yet: work that runs goes on counting, and what waits goes on waiting.
 */
export class AdmissionGate implements Startable {
  readonly #components: AdmissionGateComponents
  readonly #open = new Map<string, Open>()
  #toldTerm: Term = 0
  #timer: Disposable | undefined

  constructor(components: AdmissionGateComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    this.#timer ??= this.#components.clock.every(LOOK_MS, () => this.#tellNext())
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /** Has the orchestrator answer. Throws `no_orchestrator`, `overloaded`, and what `Admissions.answer` throws. */
  async ask(question: AdmissionQuestion, { signal }: { signal: AbortSignal }): Promise<readonly AdmissionRecord[]> {
    if (question.kind === 'ask' && this.#open.size >= OPEN_MAX) {
      throw new CaresError('overloaded', `${OPEN_MAX} admissions through this peer have not ended`, { retryable: true })
    }
    const open = question.kind === 'read' || question.kind === 'complete' ? this.#open.get(question.id) : undefined
    let records: readonly AdmissionRecord[]
    try {
      records = await this.#send(question, signal)
    } catch (err) {
      if (open === undefined || !('id' in question) || toCaresError(err).code !== 'not_found') throw err
      // Elected a moment ago: it is told, and asked again.
      await this.#send(this.#again(question.id, open), signal)
      records = await this.#send(question, signal)
    }
    if (question.kind === 'ask') this.#note(question.request, records)
    else if (open !== undefined) this.#note(open.request, records)
    return records
  }

  #note(request: AdmissionRequest, [record]: readonly AdmissionRecord[]): void {
    if (record === undefined) return
    const { id, state, peer } = record
    if (state === 'completed' || state === 'expired') return void this.#open.delete(id)
    const approved = this.#open.get(id)?.approved ?? (peer === null ? undefined : { peer, atMs: this.#components.clock.nowMs() })
    this.#open.set(id, { request, approved })
  }

  async #tellNext(): Promise<void> {
    const { role, clock, log } = this.#components
    const { leader, term } = role()
    if (leader === null || term === this.#toldTerm) return
    const signal = clock.timeout(ASK_TIMEOUT_MS)
    try {
      for (const [id, open] of this.#open) this.#note(open.request, await this.#send(this.#again(id, open), signal))
      this.#toldTerm = term
    } catch (err) {
      log.debug({ err }, 'the orchestrator was not told of all admissions yet')
    }
  }

  #again(id: string, { request, approved }: Open): AdmissionQuestion {
    const elapsedMs = approved === undefined ? 0 : this.#components.clock.nowMs() - approved.atMs
    return { kind: 'ask', id, request, ...(approved === undefined ? {} : { approved: { peer: approved.peer, elapsedMs } }) }
  }

  async #send(question: AdmissionQuestion, signal: AbortSignal): Promise<readonly AdmissionRecord[]> {
    const { clock } = this.#components
    const within = AbortSignal.any([signal, clock.timeout(ASK_TIMEOUT_MS)])
    while (true) {
      try {
        return await this.#sendOnce(question, within)
      } catch (err) {
        if (within.aborted || !PASSING.has(toCaresError(err).code)) throw err
        // Cut short by the deadline, it is the last failure that tells why.
        await clock.sleep(RETRY_MS, { signal: within }).catch(() => {
          throw err
        })
      }
    }
  }

  async #sendOnce(question: AdmissionQuestion, signal: AbortSignal): Promise<readonly AdmissionRecord[]> {
    const { admissions, transport, role } = this.#components
    const { leader } = role()
    if (leader === null) throw new CaresError('no_orchestrator', 'nobody decides about admissions at the moment', { retryable: true })
    if (leader === transport.self) return admissions.answer(question)
    const answer = await ask(transport, leader, { type: 'admission', question }, { signal })
    if (answer.type !== 'admissions') throw new CaresError('protocol', `a question about an admission was answered with ${answer.type}`)
    return answer.records
  }
}
