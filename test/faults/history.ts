import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId } from '../../src/model/ids.ts'
import type { Upload } from '../../src/simulate/whole/history.ts'
import { judgeUploads } from '../../src/simulate/whole/judge.ts'
import { ask, type Reply } from '../e2e/cluster.ts'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { stateOf } from './states.ts'
import { TaskClientsHistory } from './tasks.ts'

/** One operation of a client, and how it ended: `unknown` where the client cannot tell whether it happened. */
interface Operation {
  readonly kind: 'call' | 'upload' | 'task'
  /** What tells it from all others: the call's input, the function's name. */
  readonly key: string
  readonly through: string
  readonly startedMs: number
  outcome: 'ok' | 'fail' | 'unknown' | 'pending'
  tookMs: number
  detail: string
}

const KINDS: readonly Operation['kind'][] = ['call', 'upload', 'task']

/** The name that uploads compete for: each with an image of its own, so that every revision tells whose it is. */
const CONTESTED = 'contested'

/** Codes that promise that nothing was started. */
const NOT_STARTED: ReadonlySet<string> = new Set(['no_capacity', 'no_orchestrator', 'no_quorum', 'overloaded', 'stopping'])

/** The peers that a history is about. */
export interface Stage {
  readonly alive: readonly PeerProcess[]
  /** A path of this machine that is free for a name. */
  dataOf(name: string): string
}

/** What clients did to a cluster and were told of it, to be judged at the end against what really happened. */
export class History {
  readonly operations: Operation[] = []
  readonly tasks: TaskClientsHistory
  readonly #startsPath: string
  readonly #contests: Upload[] = []
  /** By term: who said to lead it. */
  readonly #leaders = new Map<number, Set<string>>()

  constructor(stage: Stage) {
    this.#startsPath = join(stage.dataOf('starts'))
    this.tasks = new TaskClientsHistory(stage.dataOf('beats'))
  }

  /** A function that writes each of its starts down, and answers with its input. Not idempotent. */
  get countingFunction(): { name: string; image: string; contract: 'stdio' } {
    return { name: 'counting', image: `sh -c 'read id; echo $id >> ${this.#startsPath}; echo $id'`, contract: 'stdio' }
  }

  /** Calls the counting function once, with an input of its own. Never rejects. */
  async call(peer: PeerProcess): Promise<void> {
    const key = randomUUID()
    await this.#record('call', key, peer, async () => {
      const reply = await ask(peer, '/fn/counting', { method: 'POST', body: `${key}\n` })
      if (reply.status === 200) return reply.text.trim() === key ? ['ok', ''] : ['fail', `another answer: ${reply.text}`]
      return [NOT_STARTED.has(reply.problem?.code ?? '') ? 'fail' : 'unknown', describe(reply)]
    })
  }

  /** Registers one more function. Never rejects. */
  async upload(peer: PeerProcess): Promise<void> {
    const key = `u-${randomUUID().slice(0, 8)}`
    await this.#record('upload', key, peer, async () => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ name: key, image: 'cat', contract: 'stdio' })
      const reply = await ask(peer, '/v1/functions', { method: 'POST', headers, body })
      return [reply.status < 300 ? 'ok' : 'unknown', describe(reply)]
    })
  }

  /** Uploads another image under the name that all clients compete for, now and then only if nobody has been faster. Never rejects. */
  async contest(peer: PeerProcess): Promise<void> {
    const image = `sh -c 'cat # ${randomUUID()}'`
    const known = Math.max(0, ...this.#contests.map(({ revision = 0 }) => revision))
    const ifRevision = known > 0 && this.#contests.length % 2 === 0 ? known : undefined
    const contest: Upload = { name: CONTESTED, image, ifRevision, gateway: peer.name as PeerId, startMs: performance.now() }
    this.#contests.push(contest)
    const query = ifRevision === undefined ? '' : `?ifRevision=${ifRevision}`
    await this.#record('upload', image, peer, async () => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ name: CONTESTED, image, contract: 'stdio' })
      const reply = await ask(peer, `/v1/functions${query}`, { method: 'POST', headers, body })
      if (reply.status >= 300) return ['unknown', describe(reply)]
      contest.revision = (JSON.parse(reply.text) as { function: { revision: number } }).function.revision
      contest.end = { type: 'ok', atMs: performance.now() }
      return ['ok', `revision ${contest.revision}`]
    })
  }

  /** Submits one more task. Never rejects. */
  async task(peer: PeerProcess): Promise<void> {
    await this.#record('task', randomUUID(), peer, async () => [await this.tasks.submit(peer), ''])
  }

  /** Asks a peer whether it leads, and in which term. Never rejects. */
  async look(peer: PeerProcess): Promise<void> {
    try {
      const { self, orchestrator, term } = await stateOf(peer)
      if (orchestrator?.id !== self.id) return
      this.#leaders.set(term, (this.#leaders.get(term) ?? new Set()).add(self.id))
    } catch {
      // It is down, or frozen: it says nothing about itself.
    }
  }

  async #record(
    kind: Operation['kind'],
    key: string,
    peer: PeerProcess,
    run: () => Promise<readonly ['ok' | 'fail' | 'unknown', string]>
  ): Promise<void> {
    const startedMs = performance.now()
    const operation: Operation = { kind, key, through: peer.name, startedMs, outcome: 'pending', tookMs: 0, detail: '' }
    this.operations.push(operation)
    try {
      ;[operation.outcome, operation.detail] = await run()
    } catch (error) {
      // The peer died, or could not be reached: the client cannot know.
      operation.outcome = 'unknown'
      operation.detail = `connection: ${String(error)}`
    }
    operation.tookMs = performance.now() - startedMs
  }

  count(kind: Operation['kind'], outcome: Operation['outcome']): number {
    return this.operations.filter(operation => operation.kind === kind && operation.outcome === outcome).length
  }

  /** What never came to pass, so that this history says nothing of it. */
  untried(): readonly Operation['kind'][] {
    return KINDS.filter(kind => this.count(kind, 'ok') === 0)
  }

  /** Everything that contradicts the promises, as sentences; empty when all is well. Call it when the cluster is whole again. */
  async contradictions(stage: Stage): Promise<readonly string[]> {
    const found: string[] = []
    const starts = new Map<string, number>()
    for (const key of await this.#starts()) starts.set(key, (starts.get(key) ?? 0) + 1)
    for (const { kind, key, outcome, through, detail } of this.operations) {
      if (outcome === 'pending') found.push(`the ${kind} ${key} through ${through} was never answered`)
      if (kind !== 'call') continue
      const count = starts.get(key) ?? 0
      if (count > 1) found.push(`the call ${key} was started ${count} times`)
      if (outcome === 'ok' && count === 0) found.push(`the call ${key} was answered and never started`)
      if (outcome === 'fail' && count > 0) found.push(`the call ${key} was started, and its client told that it was not: ${detail}`)
    }
    for (const [term, leaders] of this.#leaders) {
      if (leaders.size > 1) found.push(`term ${term} had more than one orchestrator: ${[...leaders].join(', ')}`)
    }
    found.push(...judgeUploads(CONTESTED, this.#contests, await this.#contested(stage)))
    if (this.count('task', 'ok') > 0) found.push(...(await this.tasks.contradictions(stage.alive)))
    for (const peer of stage.alive) {
      for (const { kind, key, outcome } of this.operations) {
        if (kind !== 'upload' || outcome !== 'ok' || !key.startsWith('u-')) continue
        const { status } = await ask(peer, `/v1/functions/${key}`)
        if (status !== 200) found.push(`the upload ${key} was acknowledged, and ${peer.name} answers ${status}`)
      }
    }
    return found
  }

  /** What each peer holds under the contested name. */
  async #contested({ alive }: Stage): Promise<Parameters<typeof judgeUploads>[2]> {
    if (this.#contests.length === 0) return []
    return await Promise.all(
      alive.map(async peer => {
        const { status, text } = await ask(peer, `/v1/functions/${CONTESTED}`)
        const functions = status === 200 ? [[CONTESTED, JSON.parse(text) as { revision: number; image: string }] as const] : []
        return { peer: peer.name as PeerId, functions: new Map(functions) }
      })
    )
  }

  async #starts(): Promise<readonly string[]> {
    try {
      return (await readFile(this.#startsPath, 'utf8')).split('\n').filter(line => line !== '')
    } catch {
      return [] // Nothing was ever started.
    }
  }
}

function describe({ status, text }: Reply): string {
  return `${status} ${text.slice(0, 200)}`
}
