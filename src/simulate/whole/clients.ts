import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import { pick, type World } from '../world.ts'
import type { WholeCoverage } from './coverage.ts'
import { FUNCTIONS, type Work, writeWork } from './functions.ts'
import type { Call, History, Upload } from './history.ts'
import type { WholeKnobs } from './knobs.ts'
import type { Life, WholePeer } from './peer.ts'

export interface ClientsComponents {
  readonly world: World
  readonly knobs: WholeKnobs
  readonly coverage: WholeCoverage
  readonly history: History
  readonly peers: () => readonly WholePeer[]
}

/** Operations of all clients together that are under way at once. */
const OPEN_MAX = 60
/** Names that uploads compete for. */
const NAMES = ['f0', 'f1', 'f2'] as const
/** An upload is given up by its client after this. */
const UPLOAD_MS = 8_000
/** Larger than what travels inside a call, so that it is sent once the worker has asked for it. */
const LONG_BODY_BYTES = 100_000

/** The clients of one world: each operation goes through any peer that is up, and what its client hears is written down. */
export class Clients {
  readonly #components: ClientsComponents
  readonly #open = new Map<Call | Upload, WholePeer>()
  #keys = 0
  #isOpen = true

  constructor(components: ClientsComponents) {
    this.#components = components
  }

  start(): void {
    this.#next()
  }

  /** Nothing new is asked from now on. */
  close(): void {
    this.#isOpen = false
  }

  get openCount(): number {
    return this.#open.size
  }

  #next(): void {
    const { world, knobs } = this.#components
    if (!this.#isOpen) return
    world.after(knobs.callEveryMs * 2 * world.random(), () => this.#next())
    const peer = pick(world.random, this.#components.peers())
    if (!peer.isUp || this.#open.size >= OPEN_MAX) return
    if (world.chance(knobs.uploadRatio)) this.upload(peer, pick(world.random, NAMES))
    else this.call(peer, this.#drawWork())
  }

  #drawWork(): Work {
    const { world, knobs } = this.#components
    const pieces = world.chance(0.7) ? 1 : 2 + Math.floor(world.random() * 6)
    return {
      key: `k${++this.#keys}`,
      latencyMs: Math.floor(world.random() * knobs.latencyMsMax),
      pieces,
      pieceEveryMs: Math.floor(world.random() * 60),
      pieceBytes: pick(world.random, [0, 0, 500, 40_000]),
      fails: world.chance(0.05),
      isLong: world.chance(0.15)
    }
  }

  /** Calls a function through a peer, from now on. */
  call(peer: WholePeer, work: Work, fn = pick(this.#components.world.random, FUNCTIONS)): Call | undefined {
    const { world, knobs, history } = this.#components
    const { life } = peer
    if (life === undefined) return undefined
    const { name, idempotent, timeoutMs } = fn
    const call: Call = { key: work.key, function: name, idempotent, timeoutMs, gateway: peer.id, startMs: world.nowMs, frozenMs: 0 }
    history.calls.push(call)
    this.#open.set(call, peer)
    const cancel = new AbortController()
    life.process.enter(() => void this.#serve(life, call, work, { signal: cancel.signal }))
    if (world.chance(knobs.cancelRatio)) {
      world.after(world.random() * 500, () =>
        life.process.enter(() => {
          if (call.end !== undefined) return
          call.cancelledMs = world.nowMs
          cancel.abort(new CaresError('cancelled', 'the client went away'))
        })
      )
    }
    return call
  }

  /** What the API of a peer does with a call. */
  async #serve(life: Life, call: Call, work: Work, { signal }: { signal: AbortSignal }): Promise<void> {
    const { path, query } = writeWork(work)
    const body = Buffer.alloc(work.isLong ? LONG_BODY_BYTES : 10, 'x')
    try {
      const answer = await life.daemon.service.invoke(
        { function: call.function, head: { method: 'POST', path, query, headers: [], bodyBytes: body.length }, body: inChunks(body) },
        { signal }
      )
      const chunks = await Array.fromAsync(answer.body)
      call.output = Buffer.concat(chunks).toString()
      call.placement = answer.placement
      this.#end(life, call, { type: 'ok' })
    } catch (err) {
      this.#fail(life, call, err)
    }
  }

  /** Uploads a function with an image that nobody else uploads. */
  upload(peer: WholePeer, name: string): Upload | undefined {
    const { world, history } = this.#components
    const { life } = peer
    if (life === undefined) return undefined
    const known = peer.tables.functions.get(name)?.revision
    const upload: Upload = {
      name,
      image: `image-${++this.#keys}`,
      ifRevision: known !== undefined && world.chance(0.4) ? known : undefined,
      gateway: peer.id,
      startMs: world.nowMs
    }
    history.uploads.push(upload)
    this.#open.set(upload, peer)
    life.process.enter(() => void this.#put(life, upload))
    return upload
  }

  async #put(life: Life, upload: Upload): Promise<void> {
    const { name, image, ifRevision } = upload
    try {
      const { function: made } = await life.daemon.service.putFunction(
        { name, image },
        { ifRevision, signal: life.clock.timeout(UPLOAD_MS) }
      )
      upload.revision = made.revision
      this.#end(life, upload, { type: 'ok' })
    } catch (err) {
      this.#fail(life, upload, err)
    }
  }

  #fail(life: Life, operation: Call | Upload, err: unknown): void {
    const { code, retryable, message } = toCaresError(err)
    this.#end(life, operation, { type: 'error', code, retryable, message })
  }

  #end(
    life: Life,
    operation: Call | Upload,
    end: { type: 'ok' } | { type: 'error'; code: CaresError['code']; retryable: boolean; message: string }
  ): void {
    const { world, coverage } = this.#components
    // What a dead process would have said, nobody hears.
    if (life.process.isDead || operation.end !== undefined) return
    operation.end = { ...end, atMs: world.nowMs }
    this.#open.delete(operation)
    world.note(end.type === 'ok' ? 1 : 2)
    const isCall = 'key' in operation
    const what = isCall ? `call ${operation.key} of ${operation.function}` : `upload of ${operation.image} as ${operation.name}`
    world.trace(() => `${operation.gateway} answers the ${what}: ${end.type === 'ok' ? 'ok' : `${end.code}: ${end.message}`}`)
    if (isCall && operation.cancelledMs !== undefined) coverage.callsCancelled += 1
    else if (isCall) coverage[end.type === 'ok' ? 'callsOk' : 'callsFailed'] += 1
    else coverage[end.type === 'ok' ? 'uploadsOk' : 'uploadsRefused'] += 1
    if (isCall && end.type === 'error' && end.code === 'peer_lost') coverage.unknownEnds += 1
  }

  /** Clients of a peer that dies hear so at once. */
  onDeath(peer: PeerId): void {
    const { world } = this.#components
    for (const [operation, { id }] of this.#open) {
      if (id !== peer) continue
      operation.end = { type: 'gateway died', atMs: world.nowMs }
      this.#open.delete(operation)
    }
  }

  /** A peer was frozen for a while. */
  onThaw(peer: PeerId, sinceMs: number): void {
    const { world } = this.#components
    for (const [operation, { id }] of this.#open) {
      if (id === peer && 'key' in operation) operation.frozenMs += world.nowMs - Math.max(sinceMs, operation.startMs)
    }
  }
}

async function* inChunks(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += 30_000) yield body.subarray(at, at + 30_000)
}
