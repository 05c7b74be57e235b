import { toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import { isOver, type TaskId } from '../../model/task.ts'
import { pick, type World } from '../world.ts'
import type { WholeCoverage } from './coverage.ts'
import type { Ending } from './history.ts'
import type { WholeKnobs } from './knobs.ts'
import type { Life, WholePeer } from './peer.ts'
import type { Submission, TaskHistory } from './task-history.ts'
import { taskRequest, type TaskWork } from './task-work.ts'

export interface TaskClientsComponents {
  readonly world: World
  readonly knobs: WholeKnobs
  readonly coverage: WholeCoverage
  readonly history: TaskHistory
  readonly peers: () => readonly WholePeer[]
}

/** Operations that are under way at once. */
const OPEN_MAX = 20
/** Work that is asked for in one run, in milliseconds: the smallest cluster must get through it once the faults are over. */
const WORK_MS_MAX = 15_000
/** What a task takes besides its program: some commits, and a statistics report until its room is seen to be free. */
const TASK_MS = 500
/** A client gives up after this. */
const PATIENCE_MS = 8_000
/** Of the operations, so many cancel, repeat a submission through another peer, and wait for a result. */
const RATIOS = { cancel: 0.08, repeat: 0.12, wait: 0.25 }
/** A service is submitted within this, and again when it was not accepted. */
const SERVICE_MS = 3_000
/** Of services, so many are cancelled while faults go on. */
const SERVICE_CANCEL_RATIO = 0.2

/** A task that a client may ask about again. */
interface Wish {
  readonly work: TaskWork
  readonly attempts: number
  id?: TaskId
}

/** Clients that submit tasks, wait for them, and cancel some, each operation through any peer that is up. */
export class TaskClients {
  readonly #components: TaskClientsComponents
  readonly #open = new Map<object, { readonly peer: PeerId; readonly end: (ending: Ending) => void }>()
  readonly #wishes: Wish[] = []
  #isOpen = true
  #workMs = 0

  constructor(components: TaskClientsComponents) {
    this.#components = components
  }

  start(): void {
    const { knobs } = this.#components
    if (knobs.taskEveryMs > 0) this.#next()
    for (let i = 0; i < knobs.servicesCount; i++) this.#keep(`service-${i}`)
  }

  /** Nothing new is asked from now on. */
  close(): void {
    this.#isOpen = false
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Clients of a peer that dies hear so at once. */
  onDeath(peer: PeerId): void {
    for (const { peer: asked, end } of this.#open.values())
      if (asked === peer) end({ type: 'gateway died', atMs: this.#components.world.nowMs })
  }

  #next(): void {
    const { world, knobs } = this.#components
    if (!this.#isOpen) return
    world.after(knobs.taskEveryMs * 2 * world.random(), () => this.#next())
    const peer = pick(world.random, this.#components.peers())
    const draw = world.random()
    if (!peer.isUp || peer.life === undefined || this.#open.size >= OPEN_MAX) return
    const { life } = peer
    const wish = this.#wishes.length === 0 ? undefined : pick(world.random, this.#wishes)
    if (wish === undefined || draw > RATIOS.cancel + RATIOS.repeat + RATIOS.wait) {
      if (this.#workMs < WORK_MS_MAX) this.#submit(peer, life, this.#newWish())
    } else if (draw < RATIOS.repeat) this.#submit(peer, life, wish)
    else if (wish.id !== undefined) this.#ask(peer, life, wish.id, draw < RATIOS.repeat + RATIOS.cancel ? 'cancel' : 'waitFor')
  }

  #newWish(): Wish {
    const { world, knobs } = this.#components
    const key = `k${this.#wishes.length}`
    const latencyMs = Math.floor(world.random() * knobs.taskLatencyMsMax)
    const wish: Wish = {
      work: { key, latencyMs, failures: world.chance(0.2) ? 1 + Math.floor(world.random() * 3) : 0, isService: false },
      attempts: 1 + Math.floor(world.random() * 4)
    }
    this.#wishes.push(wish)
    this.#workMs += latencyMs + TASK_MS
    return wish
  }

  /** Submits a service until it is accepted, and perhaps cancels it. */
  #keep(key: string): void {
    const { world } = this.#components
    const failures = Math.floor(world.random() * 3)
    const wish: Wish = { work: { key, latencyMs: Math.floor(world.random() * 500), failures, isService: true }, attempts: 1 }
    const isCancelled = world.chance(SERVICE_CANCEL_RATIO)
    const look = (): void => {
      if (!this.#isOpen) return
      const peer = pick(world.random, this.#components.peers())
      if (peer.isUp && peer.life !== undefined) {
        if (wish.id === undefined) this.#submit(peer, peer.life, wish)
        else if (isCancelled) return this.#ask(peer, peer.life, wish.id, 'cancel')
        else this.#ask(peer, peer.life, wish.id, 'waitFor')
      }
      world.after(SERVICE_MS, look)
    }
    world.after(world.random() * SERVICE_MS, look)
  }

  #submit(peer: WholePeer, life: Life, wish: Wish): void {
    const { world, coverage, history } = this.#components
    const { key } = wish.work
    const submission: Submission = { key, gateway: peer.id, startMs: world.nowMs }
    history.submissions.push(submission)
    this.#run(peer, life, `submission of ${key}`, {
      operate: async signal => {
        const { task } = await life.daemon.service.tasks.submit(taskRequest(wish.work, wish.attempts), { key, signal })
        return () => {
          submission.id = task.id
          wish.id = task.id
        }
      },
      onEnd: ending => {
        submission.end = ending
        if (ending.type !== 'gateway died') coverage[ending.type === 'ok' ? 'tasksAccepted' : 'tasksRefused'] += 1
      }
    })
  }

  #ask(peer: WholePeer, life: Life, id: TaskId, what: 'cancel' | 'waitFor'): void {
    const { history } = this.#components
    this.#run(peer, life, `${what} of ${id}`, {
      operate: async signal => {
        const { tasks } = life.daemon.service
        const { state } = await tasks[what](id, { signal })
        if (!isOver({ state })) return () => {}
        const output = state === 'succeeded' ? await readOutput(tasks, id, signal) : undefined
        return () => void history.told.push({ id, by: peer.id, state, output })
      },
      onEnd: () => {}
    })
  }

  /** One operation in a peer's process. What it learns counts only if the peer lives to say so. */
  #run(
    peer: WholePeer,
    life: Life,
    what: string,
    { operate, onEnd }: { operate: (signal: AbortSignal) => Promise<() => void>; onEnd: (ending: Ending) => void }
  ): void {
    const { world } = this.#components
    const token = {}
    const end = (ending: Ending): void => {
      if (this.#open.delete(token)) onEnd(ending)
    }
    this.#open.set(token, { peer: peer.id, end })
    const answer = (ending: Ending, learn: () => void): void => {
      if (life.process.isDead || !this.#open.has(token)) return
      learn()
      world.note(ending.type === 'ok' ? 3 : 4)
      world.trace(() => `${peer.id} answers the ${what}: ${ending.type === 'error' ? `${ending.code}: ${ending.message}` : 'ok'}`)
      end(ending)
    }
    life.process.enter(() => {
      operate(life.clock.timeout(PATIENCE_MS)).then(
        learn => answer({ type: 'ok', atMs: world.nowMs }, learn),
        (err: unknown) => {
          const { code, retryable, message } = toCaresError(err)
          answer({ type: 'error', atMs: world.nowMs, code, retryable, message }, () => {})
        }
      )
    })
  }
}

async function readOutput(tasks: Life['daemon']['service']['tasks'], id: TaskId, signal: AbortSignal): Promise<string> {
  const { body } = await tasks.output(id, { signal })
  return Buffer.concat(await Array.fromAsync(body)).toString()
}
