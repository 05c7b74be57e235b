import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { PeerId } from '../../src/model/ids.ts'
import type { TaskItem, TaskList, TaskSubmitted } from '../../src/model/rest-tasks.ts'
import { isOver, type TaskId } from '../../src/model/task.ts'
import { type FinalTasks, taskContradictions } from '../../src/simulate/whole/judge-tasks.ts'
import { type FinalTask, TaskHistory, type TaskRun } from '../../src/simulate/whole/task-history.ts'
import { ask, json } from '../e2e/cluster.ts'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'

/** How long each program runs, in beats; while it runs it says so this often. */
const BEATS = 6
const BEAT_S = 0.05
/** `/proc/uptime` counts in hundredths of a second. */
const CLOCK_MS = 10
/** A lease, two pauses between attempts, and a machine that is busy with other tests. */
const OVER_WITHIN_MS = 60_000
const LISTED_MAX = 1_000

/** What clients did with tasks, to be judged at the end against what their programs have written down. */
export class TaskClientsHistory {
  readonly #history = new TaskHistory()
  readonly #beatsPath: string
  #lookedUp = 0

  /** `beatsPath`: a file that all programs of this machine append to. */
  constructor(beatsPath: string) {
    this.#beatsPath = beatsPath
  }

  get acceptedCount(): number {
    return this.#history.submissions.filter(({ id }) => id !== undefined).length
  }

  /** Submits one more task, once more through the same peer if the answer tells nothing: its key keeps it one task. Never rejects. */
  async submit(peer: PeerProcess): Promise<'ok' | 'unknown'> {
    const key = randomUUID()
    return (await this.#submitAs(key, peer)) === 'ok' ? 'ok' : this.#submitAs(key, peer)
  }

  async #submitAs(key: string, peer: PeerProcess): Promise<'ok' | 'unknown'> {
    const submission: TaskHistory['submissions'][number] = { key, gateway: peer.name as PeerId, startMs: performance.now() }
    this.#history.submissions.push(submission)
    try {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key }
      const body = JSON.stringify({ name: 'beating', image: this.#program, attempts: 5 })
      const reply = await ask(peer, '/v1/tasks', { method: 'POST', headers, body })
      if (reply.status >= 300) {
        const { code = 'internal', detail = reply.text } = reply.problem ?? {}
        const error = { code: code as 'internal', retryable: true, message: detail }
        submission.end = { type: 'error', atMs: performance.now(), ...error }
        return 'unknown'
      }
      submission.id = (JSON.parse(reply.text) as TaskSubmitted).task.id as TaskId
      submission.end = { type: 'ok', atMs: performance.now() }
      return 'ok'
    } catch {
      submission.end = { type: 'gateway died', atMs: performance.now() }
      return 'unknown'
    }
  }

  /** Asks a peer after one of the tasks that were accepted; if it is over, what is told of it must stay true. Never rejects. */
  async lookUp(peer: PeerProcess): Promise<void> {
    const accepted = this.#history.submissions.flatMap(({ id }) => id ?? [])
    const id = accepted[this.#lookedUp++ % accepted.length]
    if (id === undefined) return
    try {
      const item = await json<TaskItem>(peer, `/v1/tasks/${id}`)
      if (!isOver(item)) return
      this.#history.told.push({ id, by: peer.name as PeerId, state: item.state, output: await outputOf(peer, item) })
    } catch {
      // It is down, cut off, or does not know of the task yet.
    }
  }

  /** Writes down when it runs, and at its end says which attempt it was. Reads a clock that nobody can set. */
  get #program(): string {
    const say = (what: string): string =>
      `read now rest < /proc/uptime; echo "$CARES_TASK $CARES_ATTEMPT $now ${what}" >> ${this.#beatsPath}`
    const beats = Array.from({ length: BEATS }, (_, index) => index + 1).join(' ')
    return `sh -c '${say('beat')}; for i in ${beats}; do sleep ${BEAT_S}; ${say('beat')}; done; ${say('end')}; echo "$CARES_TASK.$CARES_ATTEMPT"'`
  }

  /** Everything that contradicts the promises, as sentences. Waits until every task that was accepted is over. */
  async contradictions(peers: readonly PeerProcess[]): Promise<readonly string[]> {
    const finals = await Promise.all(peers.map(async peer => this.#finalsOf(peer)))
    this.#history.runs.splice(0, Number.POSITIVE_INFINITY, ...(await this.#runs()))
    return taskContradictions(this.#history, finals, { overlapMs: CLOCK_MS })
  }

  async #finalsOf(peer: PeerProcess): Promise<FinalTasks> {
    const items = await eventually(
      `all tasks are over, says ${peer.name}`,
      async () => {
        const { items: now } = await json<TaskList>(peer, `/v1/tasks?limit=${LISTED_MAX}`)
        return now.every(({ state }) => isOver({ state })) ? now : undefined
      },
      { withinMs: OVER_WITHIN_MS, onFailure: () => peer.log() }
    )
    const entries = items.map(async (item): Promise<[TaskId, FinalTask]> => {
      const { id, idempotencyKey, state, failures, attemptsMax } = item
      return [
        id as TaskId,
        {
          key: idempotencyKey ?? undefined,
          state,
          failures,
          attemptsMax: attemptsMax ?? Number.POSITIVE_INFINITY,
          output: await outputOf(peer, item),
          isService: false
        }
      ]
    })
    return { peer: peer.name as PeerId, tasks: new Map(await Promise.all(entries)) }
  }

  async #runs(): Promise<readonly TaskRun[]> {
    const text = await readFile(this.#beatsPath, 'utf8').catch(() => '') // Nothing was ever started.
    const runs = new Map<string, TaskRun>()
    for (const line of text.split('\n')) {
      const [task = '', attempt = '', now = '', what] = line.split(' ')
      if (what === undefined) continue
      const key = `${task}.${attempt}`
      const atMs = Number(now) * 1_000
      const run: TaskRun = runs.get(key) ?? { task: task as TaskId, attempt: Number(attempt), worker: '?' as PeerId, startMs: atMs }
      runs.set(key, { ...run, endMs: atMs, ...(what === 'end' ? { output: key } : {}) })
    }
    return [...runs.values()]
  }
}

async function outputOf(peer: PeerProcess, { id, state }: TaskItem): Promise<string | undefined> {
  if (state !== 'succeeded') return undefined
  const { status, text } = await ask(peer, `/v1/tasks/${id}/result`)
  if (status !== 200) throw new Error(`${peer.name} has no result of ${id}: ${status} ${text}`)
  return text.trim()
}
