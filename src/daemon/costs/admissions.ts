import { AdmissionControl, ACTIVE_MAX, QUEUE_MAX } from '../../core/scheduler/admission/admission-control.ts'
import { machineOf } from '../../core/scheduler/admission/machine-of.ts'
import type { Admission, Ask, Lack, Machine } from '../../core/scheduler/admission/admission.ts'
import type { AdmissionQuestion, AdmissionRecord, AdmissionRequest, Amounts, Resource } from '../../model/admission.ts'
import { assertNever, CaresError } from '../../model/errors.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Startable } from '../../model/ports/startable.ts'
import { formatBytes } from '../../model/units.ts'
import type { Learning } from './learning.ts'

/** How often waiting admissions are looked at: every heartbeat may bring room. */
const LOOK_MS = 500
/** Assumed needs of work that neither states them nor has been observed. */
const UNKNOWN: Amounts = { cpus: 1, memoryBytes: 256 * 2 ** 20, diskBytes: 0 }
const UNKNOWN_MS = 60_000
const WAIT_MAX_MS = 3_600_000
/** Work whose end nobody reports counts for ten times its expected time, and at least for ten minutes. */
const LEASE_RATIO = 10
const LEASE_MIN_MS = 600_000
const LEASE_MAX_MS = 7 * 86_400_000
/** Most records of ended work that are kept for questions. */
const OVER_MAX = 1_000
/** Records in one list; the most that the wire takes. */
const LISTED_MAX = 128

export interface AdmissionsComponents {
  readonly learning: Pick<Learning, 'estimate' | 'observe'>
  readonly views: () => readonly PeerView[]
  readonly self: PeerId
  readonly isOrchestrator: () => boolean
  /** See `Members.resolve`, which says what it throws. */
  readonly resolve: (idOrName: string) => PeerId
  /** Told of the memory that approved work is expected to need on a peer, whenever that may have changed. */
  readonly onExpected: (peer: PeerId, memoryBytes: number) => void
  readonly clock: Clock
}

/** Of what waits no more. */
const OVER = { waitMs: 0, why: undefined, ahead: 0 } as const

interface Entry {
  readonly record: AdmissionRecord
  readonly askedAtMs: number
}

/**
 * Room for work that runs outside CARES, in office: who asks is told whether and where it may run, waits, or is refused; the work then counts until
 * it ends, and what it took is learned under its name. The rules are in `AdmissionControl`.
 */
export class Admissions implements Startable {
  readonly #components: AdmissionsComponents
  readonly #entries = new Map<string, Entry>()
  #control = new AdmissionControl()
  #timer: Disposable | undefined

  constructor(components: AdmissionsComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    this.#timer ??= this.#components.clock.every(LOOK_MS, () => this.#look())
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /** Answers in office. Throws `not_orchestrator`, `no_capacity` with `retryAfterMs`, `not_found`, `overloaded`. */
  answer(question: AdmissionQuestion): readonly AdmissionRecord[] {
    if (!this.#components.isOrchestrator())
      throw new CaresError('not_orchestrator', 'this peer is not the orchestrator', { retryable: true })
    this.#look()
    const records = this.#answer(question)
    this.#tellExpected()
    return records
  }

  #answer(question: AdmissionQuestion): readonly AdmissionRecord[] {
    switch (question.kind) {
      case 'ask':
        return [this.#ask(question)]
      case 'read':
        return [this.#refreshed(this.#find(question.id))]
      case 'complete':
        return [this.#complete(question)]
      case 'list':
        return [...this.#entries.values()]
          .slice(-LISTED_MAX)
          .reverse()
          .map(entry => this.#refreshed(entry))
      default:
        return assertNever(question)
    }
  }

  #ask({ id, request, approved }: Extract<AdmissionQuestion, { kind: 'ask' }>): AdmissionRecord {
    const known = this.#entries.get(id)
    if (known !== undefined) return this.#refreshed(known)
    const { clock } = this.#components
    const nowMs = clock.nowMs()
    const { ask, samples } = this.#predict(id, request)
    if (approved !== undefined) this.#control.restore(ask, approved.peer, nowMs - approved.elapsedMs)
    const admission = this.#control.ask(ask, this.#machines(), nowMs)
    if (admission.outcome === 'refused') throw refusal(request, ask, { ...admission, only: this.#nameOf(ask.pinnedTo) })
    const record: AdmissionRecord = {
      id,
      name: request.name,
      ...(request.params === undefined ? {} : { params: request.params }),
      inputBytes: request.inputBytes ?? 0,
      predicted: ask.predicted,
      predictedMs: ask.predictedMs,
      samples,
      at: clock.timestamp(),
      leaseMs: ask.leaseMs,
      ...this.#standingOf(admission)
    }
    this.#keep({ record, askedAtMs: nowMs })
    return record
  }

  #predict(id: string, request: AdmissionRequest): { ask: Ask; samples: number } {
    const { name, params, inputBytes = 0, on, waitMaxMs = WAIT_MAX_MS } = request
    const { samples, runMs, cpuMs, memoryPeakBytesUpper } = this.#components.learning.estimate({
      ...keyOf(name),
      inputBytes,
      params,
      contract: 'stdio'
    })
    const predictedMs = Math.max(1, request.expectedMs ?? (samples > 0 ? runMs : UNKNOWN_MS))
    const predicted: Amounts = {
      // A prediction is no more precise than a thousandth of a core, and bytes come whole.
      cpus: request.cpus ?? (cpuMs !== undefined && runMs > 0 ? Math.round((1_000 * cpuMs) / runMs) / 1_000 : UNKNOWN.cpus),
      memoryBytes: request.memoryBytes ?? Math.ceil(memoryPeakBytesUpper ?? UNKNOWN.memoryBytes),
      diskBytes: request.diskBytes ?? UNKNOWN.diskBytes
    }
    const leaseMs = Math.min(LEASE_MAX_MS, Math.max(LEASE_MIN_MS, LEASE_RATIO * predictedMs))
    const pinnedTo = on === undefined ? undefined : this.#components.resolve(on)
    return { ask: { id, predicted, predictedMs, waitMaxMs, leaseMs, pinnedTo }, samples }
  }

  #complete({ id, outcome }: Extract<AdmissionQuestion, { kind: 'complete' }>): AdmissionRecord {
    const entry = this.#find(id)
    const { record } = entry
    // What had expired where it ran took longer than anybody thought: it is learned from like the rest, or it would always be thought so.
    if (record.state === 'completed' || (record.state === 'expired' && record.peer === null)) return record
    this.#control.complete(id)
    const { runMs, cpuMs, memoryPeakBytes, outputBytes = 0, failed = false } = outcome
    if (!failed && runMs !== undefined && record.peer !== null) {
      this.#components.learning.observe({
        ...keyOf(record.name),
        peer: record.peer,
        start: 'warm',
        ...(record.params === undefined ? {} : { params: record.params }),
        inputBytes: record.inputBytes,
        outputBytes,
        pullMs: 0,
        startMs: 0,
        runMs,
        ...(cpuMs === undefined ? {} : { cpuMs }),
        ...(memoryPeakBytes === undefined ? {} : { memoryPeakBytes }),
        // Nobody knows what else ran there, so it teaches what the work takes, and nothing of the machine.
        clean: false
      })
    }
    return this.#keep({ ...entry, record: { ...record, ...OVER, state: 'completed' } })
  }

  /** The record as it stands now. */
  #refreshed(entry: Entry): AdmissionRecord {
    const { record } = entry
    if (record.state !== 'queued') return record
    const standing = this.#control.standing(record.id, this.#machines(), this.#components.clock.nowMs())
    if (standing !== undefined) return this.#keep({ ...entry, record: { ...record, why: undefined, ...this.#standingOf(standing) } })
    return record
  }

  #look(): void {
    if (!this.#components.isOrchestrator()) {
      // Whoever is elected next is told again of what runs, by those who had asked.
      if (this.#entries.size > 0) {
        this.#entries.clear()
        this.#control = new AdmissionControl()
        this.#tellExpected()
      }
      return
    }
    if (this.#control.activeCount + this.#control.queuedCount === 0) return
    const { approved, refused, expired } = this.#control.advance(this.#machines(), this.#components.clock.nowMs())
    for (const { id, peer } of approved) this.#change(id, { ...OVER, state: 'approved', peer })
    for (const id of [...refused, ...expired]) this.#change(id, { ...OVER, state: 'expired' })
    this.#tellExpected()
  }

  #tellExpected(): void {
    const { views, onExpected } = this.#components
    for (const { profile } of views()) onExpected(profile.id, this.#control.expectedOn(profile.id).memoryBytes)
  }

  #change(id: string, change: Partial<AdmissionRecord>): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#keep({ ...entry, record: { ...entry.record, ...change } })
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry !== undefined) return entry
    throw new CaresError('not_found', `no admission ${id} is known`, { hint: 'list them: GET /v1/admissions' })
  }

  #keep(entry: Entry): AdmissionRecord {
    this.#entries.set(entry.record.id, entry)
    if (this.#entries.size > ACTIVE_MAX + QUEUE_MAX + OVER_MAX) {
      const over = this.#entries.values().find(({ record: { state } }) => state === 'completed' || state === 'expired')
      if (over !== undefined) this.#entries.delete(over.record.id)
    }
    return entry.record
  }

  #standingOf(admission: Exclude<Admission, { outcome: 'refused' }>): Pick<AdmissionRecord, 'state' | 'peer' | 'waitMs' | 'why' | 'ahead'> {
    if (admission.outcome === 'approved') return { state: 'approved', peer: admission.peer, waitMs: 0, ahead: 0 }
    const { waitMs, ahead, lack } = admission
    const why = waitMs === null ? { why: this.#whyOf(lack) } : {}
    return { state: 'queued', peer: null, waitMs, ahead, ...why }
  }

  #whyOf(lack: Lack | undefined): string {
    if (lack === undefined) return 'it waits for others that nobody knows the end of, or for a peer to say how it is'
    const { what, unit } = RESOURCE_WORDS[lack.resource]
    const amounts = `it needs ${unit(lack.needed)}, and ${unit(lack.free)} can be had`
    return `it waits for ${what} on ${this.#nameOf(lack.peer)}: ${amounts}; the rest is held by what was not admitted, or should have ended`
  }

  /** As people know it. */
  #nameOf(peer: PeerId | undefined): string | undefined {
    if (peer === undefined) return undefined
    return this.#components.views().find(({ profile }) => profile.id === peer)?.profile.name ?? peer
  }

  #machines(): readonly Machine[] {
    return this.#components.views().map(view => machineOf(view, this.#components.self))
  }
}

/** What resources are called. */
const RESOURCE_WORDS: Readonly<Record<Resource, { readonly what: string; readonly unit: (amount: number) => string }>> = {
  cpus: { what: 'cores', unit: amount => `${Math.round(100 * amount) / 100}` },
  memoryBytes: { what: 'memory', unit: formatBytes },
  diskBytes: { what: 'disk', unit: formatBytes }
}

/** The name under which work outside CARES is learned: one that no function can have. */
function keyOf(name: string): { function: string; digest: Digest } {
  return { function: `outside/${name}@1`, digest: `outside:${name}` as Digest }
}

function refusal(
  { name }: AdmissionRequest,
  { predicted }: Ask,
  { reason, waitMs, only }: Extract<Admission, { outcome: 'refused' }> & { only: string | undefined }
): CaresError {
  const details = { reason, retryAfterMs: Math.ceil(waitMs), predicted: { ...predicted } }
  switch (reason) {
    case 'never_fits':
      return new CaresError(
        'no_capacity',
        `${only === undefined ? 'no peer is' : `${only} is not`} large enough for ${name}, even when nothing else runs there`,
        {
          hint: `ask for less: the targets are 80 % of the cores and 90 % of the memory of one peer${only === undefined ? '' : '; or for another peer'}`,
          details: { reason, predicted: { ...predicted } }
        }
      )
    case 'would_wait_too_long':
      return new CaresError('no_capacity', `${name} would have to wait for longer than it wants to`, { retryable: true, details })
    case 'queue_full':
      return new CaresError('overloaded', 'too much work waits for admission', { retryable: true, details })
    case 'safe_mode':
      return new CaresError('no_capacity', `the statistics of ${only ?? 'all peers'} are too old to admit work by`, {
        retryable: true,
        details
      })
    default:
      return assertNever(reason)
  }
}
