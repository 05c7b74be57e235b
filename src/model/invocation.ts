import type { CallPolicy, FunctionRecord } from './function.ts'
import type { Attempt, InvocationId, PeerId, Session, Term } from './ids.ts'
import type { PeerStats } from './peer.ts'
import type { PlacementKind, Receipt } from './placement.ts'

/** How the container of an execution came to be: already serving, started ahead for one call, or started for this call. */
export const START_KINDS = ['warm', 'prewarmed', 'cold'] as const

/** See {@link START_KINDS}. */
export type StartKind = (typeof START_KINDS)[number]

/** Header names are lower case; a name may repeat. */
export type Headers = readonly (readonly [name: string, value: string])[]

/** Headers of a call or answer that pass between peers. Node's HTTP parser keeps 2,000 lines and 16 KiB in all by default. */
export const HEADERS_MAX = 256
/** Of these, what a client may send: the rest is for what gateways and workers add, the address it came from and the trace that it is part of. */
export const CLIENT_HEADERS_MAX = HEADERS_MAX - 8

/** A call's header for parameters that its cost depends on: what is expected of it goes by earlier calls with the same. The function sees it, too. */
export const PARAMS_HEADER = 'x-cares-params'

/** Headers by which a call says how its worker is to be chosen. */
export const POLICY_HEADERS = { objective: 'x-cares-objective', maxCostUsd: 'x-cares-max-cost', require: 'x-cares-require' } as const

/** The part of a call that comes before its body. */
export interface CallHead {
  readonly method: string
  /** Below the function, always with a leading `/`. */
  readonly path: string
  /** Without `?`; empty when there is none. */
  readonly query: string
  readonly headers: Headers
  /** From `content-length`; absent when the length is not known ahead. */
  readonly bodyBytes?: number | undefined
  /**
   * The client asks to go on by WebSocket (RFC 6455). Where the function agrees its answer has status 101, and from then on the bodies of call and
   * answer are the two directions of the connection, which goes on as long as either is used. Absent: an ordinary call.
   */
  readonly webSocket?: true | undefined
}

/** Longest that a WebSocket may go on, in milliseconds: a day, since all that it holds elsewhere needs an end although every client has forgotten it. */
export const WEB_SOCKET_MS_MAX = 86_400_000

/** Status of the answer that opens a WebSocket (RFC 9110, 15.2.2). */
export const SWITCHING_PROTOCOLS = 101

/** The part of an answer that comes before its body. */
export interface AnswerHead {
  readonly status: number
  readonly headers: Headers
  readonly start: StartKind
  /** What the time up to this head went into, where the worker says: the part of {@link Usage} that is known by now. */
  readonly timing?: Pick<Usage, 'queueMs' | 'pullMs' | 'startMs'> | undefined
}

/** What an execution took. Measured, never predicted. */
export interface Usage {
  /** From the order's arrival at the worker to its container being asked. */
  readonly queueMs: number
  readonly pullMs: number
  readonly startMs: number
  /** From the container being asked to its last byte. */
  readonly runMs: number
  /** CPU time of the execution's container; absent where it cannot be told apart (a warm container serves several calls). */
  readonly cpuMs?: number | undefined
  readonly memoryPeakBytes?: number | undefined
  /** To so much of the last-level cache it was confined, to measure how it takes that. Absent: it was not. */
  readonly llcBytes?: number | undefined
  /** What it had of the last-level cache at its end, as the processor counts it. Absent: that was not counted. */
  readonly llcUsedBytes?: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  /** For a good part of the time the worker, or who sends and takes the bodies, stood still: it says nothing of the function. Absent: no. */
  readonly disturbed?: true | undefined
}

/** What an execution came to that has begun, however it ended. */
export interface Run {
  readonly start: StartKind
  readonly usage: Usage
}

/** What ends an answer. */
export interface AnswerEnd {
  readonly usage: Usage
  /** Of a `stdio` process. */
  readonly exitCode?: number | undefined
}

/**
 * What a gateway asks of a worker, by a placement. A worker obeys only orders of its own session and of no older term than it has seen, whoever
 * brings them.
 */
export interface Order {
  readonly invocation: InvocationId
  readonly attempt: Attempt
  readonly placement: PlacementKind
  readonly term: Term
  readonly session: Session
  /** Who placed it: in whose books it counts. */
  readonly placer: PeerId
  /** The placer's running number of this order, for `PeerStats.seenOrders`. */
  readonly order: number
  readonly function: FunctionRecord
  readonly head: CallHead
  /** Milliseconds left for the whole invocation. */
  readonly deadlineMs: number
  /** The whole request body, when it is at most `INLINE_BODY_BYTES_MAX`; absent: it follows in `body` messages once the worker has accepted. */
  readonly body?: Uint8Array | undefined
}

/** Bodies up to this size travel inside the order and the answer: one message instead of a conversation. */
export const INLINE_BODY_BYTES_MAX = 65_536

/** What a placer must know of a call. Its body, and most of its head, go from the gateway to the worker only. */
export interface CallToPlace {
  readonly invocation: InvocationId
  readonly function: string
  /** The revision that the gateway knows. */
  readonly revision: number
  /** Those of the call's headers that say something to who places it. */
  readonly headers: Headers
  /** What the client asks of the placement. Absent: what the function does. An older placer does not know of it. */
  readonly asked?: CallPolicy | undefined
  /** Size of the request body; the declared one, or 0 when it is not known. */
  readonly inputBytes: number
  readonly round: number
  readonly deadlineMs: number
  readonly pinnedTo?: PeerId | undefined
  /** The gateway has applied at least this log index: a fresher upload than the orchestrator knows is waited for. */
  readonly minIndex: number
  /** Place from your own view although you are not the orchestrator. A peer grants this to itself only. */
  readonly fallback: boolean
}

/** A place for a call: all that its gateway needs to order it there. */
export interface Placed {
  readonly worker: PeerId
  readonly session: Session
  readonly attempt: Attempt
  readonly term: Term
  /** See {@link Order}. */
  readonly order: number
  readonly receipt: Receipt
  /** What was placed, where that is another revision than the gateway knows. Absent: it is the same. */
  readonly function?: FunctionRecord | undefined
}

/** Gateway to placer, on `/cares/invoke`. `call` first; then, for each `placed`, how that ended. */
export type InvokeUp =
  | ({ readonly type: 'call' } & CallToPlace)
  /** The work has ended, or goes on without anybody: the room is not needed any more. Nothing follows. */
  | {
      readonly type: 'done'
      readonly attempt: Attempt
      /** Of an answer that came to its end. Absent: there was none. */
      readonly run?: Run | undefined
      /** How long it took says nothing of the next call: the worker was lost, the call was given up, or it was a WebSocket. */
      readonly untypical: boolean
    }
  /** The worker has not started the work and will not: place it again, elsewhere. */
  | {
      readonly type: 'refused'
      readonly attempt: Attempt
      readonly error: RemoteError
      /** As the worker sent them. */
      readonly stats?: PeerStats | undefined
    }

/** Placer to gateway. It starts nothing itself: what it says of a failure is that it has no place. */
export type InvokeDown =
  /** The call has arrived and must wait. Sent at once unless `placed` is, so that a busy orchestrator is told from a lost one. */
  | { readonly type: 'queued' }
  | ({ readonly type: 'placed' } & Placed)
  /** Nothing follows. With the receipt of the last attempt to place it, when that found nobody. */
  | { readonly type: 'failed'; readonly error: RemoteError; readonly receipt?: Receipt | undefined }

/** Gateway to worker, on `/cares/execute`. `order` or `attach` first. */
export type ExecuteUp =
  | { readonly type: 'order'; readonly order: Order }
  | {
      readonly type: 'attach'
      readonly invocation: InvocationId
      /** The round that the gateway has closed: a worker that does not have the id refuses it from now on up to this round. */
      readonly round: number
      /** The session in which the worker was told to run it. */
      readonly session: Session
      /** Bytes of the answer's body that the gateway has already: the answer goes on from there. */
      readonly offset: number
    }
  | { readonly type: 'body'; readonly chunk: Uint8Array }
  | { readonly type: 'end' }

/** Worker to gateway. */
export type ExecuteDown =
  /** The worker has admitted the order and wants its body. Not sent for a body that came inside the order. */
  | { readonly type: 'accepted' }
  /** Answer to `attach`: the worker does not have the id, and (in the session asked about) never will. */
  | { readonly type: 'unknown'; readonly session: Session }
  | Exclude<AnswerDown, Failed>
  /** With a refusal: what the worker holds at this moment, for the placer to choose again by. */
  | (Failed & { readonly stats?: PeerStats | undefined })

type Failed = Extract<AnswerDown, { readonly type: 'failed' }>

/** The rest of an answer whose body is at most `INLINE_BODY_BYTES_MAX` and was there when its head was: one message instead of three. */
export interface WholeAnswer {
  readonly body: Uint8Array
  readonly end: AnswerEnd
}

/** The answer of a function as it travels back. After `failed`, `answer-end` or an `answer` that is whole, nothing follows. */
export type AnswerDown =
  | { readonly type: 'answer'; readonly head: AnswerHead; readonly whole?: WholeAnswer | undefined }
  | { readonly type: 'body'; readonly chunk: Uint8Array }
  | { readonly type: 'answer-end'; readonly end: AnswerEnd }
  /** `run`: what it took, where it had begun. An older worker does not say. */
  | { readonly type: 'failed'; readonly error: RemoteError; readonly run?: Run | undefined }

/** An error as it travels between peers. */
export interface RemoteError {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  readonly retryable: boolean
  /** JSON text of the details. */
  readonly details: string
  /** Whether the work may have started; false is a promise that it did not and will not. */
  readonly started: boolean
}

/** `queued` (not placed yet) → `running` → `succeeded` or `failed`. */
export const INVOCATION_STATES = ['queued', 'running', 'succeeded', 'failed'] as const

/** See {@link INVOCATION_STATES}. */
export type InvocationState = (typeof INVOCATION_STATES)[number]

/** What a gateway keeps of an invocation for `/v1/invocations/:id`. */
export interface InvocationRecord {
  readonly id: InvocationId
  readonly function: string
  readonly revision: number
  readonly gateway: PeerId
  readonly state: InvocationState
  readonly acceptedAt: string
  readonly method: string
  readonly path: string
  readonly worker?: PeerId | undefined
  readonly start?: StartKind | undefined
  readonly placement?: PlacementKind | undefined
  readonly status?: number | undefined
  readonly error?: { readonly code: string; readonly message: string } | undefined
  readonly usage?: Usage | undefined
  /** As the client named itself, for the ledger of costs. Absent: it did not. */
  readonly caller?: string | undefined
  /** From acceptance to the last byte, once finished. */
  readonly totalMs?: number | undefined
  /** One for each placement, oldest first, at most 8. */
  readonly receipts: readonly Receipt[]
}
