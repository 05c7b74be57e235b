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

/** Header in which a call declares parameters that its cost depends on: predictions prefer earlier calls with the same. The function sees it, too. */
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

/** Longest life of a WebSocket, in milliseconds: a day. What peers hold for it must be freed some time, even if its client never closes it. */
export const WEB_SOCKET_MS_MAX = 86_400_000

/** Status of the answer that opens a WebSocket (RFC 9110, 15.2.2). */
export const SWITCHING_PROTOCOLS = 101

/** The part of an answer that comes before its body. */
export interface AnswerHead {
  readonly status: number
  readonly headers: Headers
  readonly start: StartKind
  /** How the time up to this head was spent: the part of {@link Usage} that is known by now. Absent: the worker does not tell. */
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
  /** Bytes of the last-level cache that it was confined to, in order to measure its need. Absent: it was not confined. */
  readonly llcBytes?: number | undefined
  /** Bytes of the last-level cache that it held at its end, as the processor counts them. Absent: not counted. */
  readonly llcUsedBytes?: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  /** The worker, or the peer that sent and took the bodies, was stalled for much of the time: nothing is to be learned from it. Absent: no. */
  readonly disturbed?: true | undefined
}

/** How an execution that has begun was started, and what it used, however it ended. */
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
 * A gateway's order to a worker to run a call that was placed there. A worker obeys only orders for its own session, and of no older term than it
 * has seen, whichever gateway brings them.
 */
export interface Order {
  readonly invocation: InvocationId
  readonly attempt: Attempt
  readonly placement: PlacementKind
  readonly term: Term
  readonly session: Session
  /** Who placed it: the peer whose ledger reserves the room. */
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
  /** Those of the call's headers that its placement depends on. */
  readonly headers: Headers
  /** What the client asks of the placement, beside what the function does. Absent: nothing. A placer of an earlier version ignores it. */
  readonly asked?: CallPolicy | undefined
  /** Size of the request body; the declared one, or 0 when it is not known. */
  readonly inputBytes: number
  readonly round: number
  readonly deadlineMs: number
  readonly pinnedTo?: PeerId | undefined
  /** A log index that the gateway has applied: a placer that is behind waits until it has, so that it knows the gateway's newest uploads. */
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
  /** The function that was placed, if that is another revision than the gateway knows. Absent: it is the same. */
  readonly function?: FunctionRecord | undefined
}

/** Gateway to placer, on `/cares/invoke`. `call` first; then, for each `placed`, how that ended. */
export type InvokeUp =
  | ({ readonly type: 'call' } & CallToPlace)
  /** The work has ended, or nobody waits for it any more: its reservation can be released. Nothing follows. */
  | {
      readonly type: 'done'
      readonly attempt: Attempt
      /** What it used, if the answer came to its end. Absent: it did not. */
      readonly run?: Run | undefined
      /** Its duration says nothing about the next call's: the worker was lost, the call was given up, or it was a WebSocket. */
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
      /** The newest round in which the call was ordered there: a worker that does not have the call will refuse orders up to this round from now on. */
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
  /** `run`: what it used, if it had begun. A worker of an earlier version does not tell. */
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
