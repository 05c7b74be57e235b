import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster as ClusterState, FunctionItem, PeerList, Problem } from '../../src/model/rest.ts'
import { eventually } from '../support/eventually.ts'
import { PeerProcess } from './peer-process.ts'

/** Longest that anything in a cluster on one machine may take to be seen; long enough for a machine that is busy with other tests. */
const SEEN_WITHIN_MS = 15_000

export interface ClusterInit {
  /** How many peers to start. @default 3 */
  readonly peers?: number
  /** Instead of `peer-0` and so on, as many as there are to be. */
  readonly names?: readonly string[]
  /** @default process */
  readonly runtime?: 'process' | 'docker'
  /** Flags for every peer. */
  readonly flags?: readonly string[]
  /** In the environment of those that are started with the cluster. */
  readonly env?: Readonly<Record<string, string>>
  /** Flags for the peer of one name. */
  readonly flagsOf?: (name: string) => Promise<readonly string[]>
  /** The `src/cares.js` that starts the peers. @default this tree's */
  readonly launcher?: string | undefined
}

/** Peers in processes of their own on this machine, on free ports, in temporary directories. */
export class Cluster {
  readonly peers: PeerProcess[] = []
  readonly #runtime: 'process' | 'docker'
  readonly #flags: readonly string[]
  readonly #flagsOf: (name: string) => Promise<readonly string[]>
  readonly #launcher: string | undefined
  readonly #root: string

  private constructor(root: string, { runtime = 'process', flags = ['--open'], flagsOf = async () => [], launcher }: ClusterInit) {
    this.#root = root
    this.#runtime = runtime
    this.#flags = flags
    this.#flagsOf = flagsOf
    this.#launcher = launcher
  }

  /** Starts a cluster and waits until all of its peers agree on one orchestrator and see each other. */
  static async start(init: ClusterInit = {}): Promise<Cluster> {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'cares-e2e-')), init)
    try {
      const [first = 'peer-0', ...others] = init.names ?? Array.from({ length: init.peers ?? 3 }, (_, i) => `peer-${i}`)
      await cluster.add(first, [], init.env)
      await Promise.all(others.map(name => cluster.add(name, [], init.env)))
      await cluster.settled()
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /**
   * Starts a peer that joins (or, the first time, founds) the cluster; a name that was used before comes back with its data. `launcher`: of another
   * version of CARES. The first time, a peer of a private cluster needs its `CARES_BOOTSTRAP` in `env`.
   */
  async add(
    name: string,
    flags: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
    launcher = this.#launcher
  ): Promise<PeerProcess> {
    const bootstrap = this.alive[0]?.announcement.cluster
    const own = ['--name', name, '--data', this.dataOf(name), '--preset', 'loopback', '--runtime', this.#runtime]
    const places = ['--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']
    const peer = await PeerProcess.start(
      [...own, ...places, ...this.#flags, ...(await this.#flagsOf(name)), ...flags],
      bootstrap === undefined ? env : { CARES_BOOTSTRAP: bootstrap, ...env },
      { launcher }
    )
    this.peers.push(peer)
    return peer
  }

  dataOf(name: string): string {
    return join(this.#root, name)
  }

  get alive(): readonly PeerProcess[] {
    return this.peers.filter(({ isRunning }) => isRunning)
  }

  /** The running peer of that name. */
  peer(name: string): PeerProcess {
    const found = this.alive.find(peer => peer.name === name)
    if (found === undefined) throw new Error(`no running peer ${name}`)
    return found
  }

  /** Waits until every running peer sees exactly the running peers as alive, and the same one of them as orchestrator. Returns that one. */
  async settled({ withinMs = SEEN_WITHIN_MS }: { withinMs?: number } = {}): Promise<PeerProcess> {
    const ids = this.alive.map(({ id }) => id).sort()
    return await eventually(
      'all peers agree on who is there and who is orchestrator',
      async () => {
        const views = await Promise.all(this.alive.map(peer => json<PeerList>(peer, '/v1/peers')))
        const states = await Promise.all(this.alive.map(peer => json<ClusterState>(peer, '/v1/cluster')))
        const seen = views.map(({ items }) =>
          items
            .filter(({ state }) => state === 'alive')
            .map(({ id }) => id)
            .sort()
            .join()
        )
        const orchestrators = new Set(states.map(({ orchestrator }) => orchestrator?.id))
        const [orchestrator] = orchestrators
        const agreed = orchestrators.size === 1 && seen.every(view => view === ids.join())
        return agreed ? this.alive.find(({ id }) => id === orchestrator) : undefined
      },
      { withinMs, onFailure: () => this.alive.map(peer => `--- ${peer.name}\n${peer.log(10)}`).join('\n') }
    )
  }

  /** Waits until every running peer knows a function in this revision. */
  async knows(name: string, revision = 1): Promise<void> {
    await eventually(`every peer knows ${name}`, async () => {
      const answers = await Promise.all(this.alive.map(peer => fetch(`${peer.api}/v1/functions/${name}`)))
      const bodies = await Promise.all(answers.map(async answer => (await answer.json()) as Partial<FunctionItem>))
      return bodies.every(body => body.revision === revision) ? true : undefined
    })
  }

  /** Stops every peer and removes all files. */
  async stop(): Promise<void> {
    await Promise.all(this.alive.map(peer => peer.stop()))
    await rm(this.#root, { recursive: true, force: true })
  }
}

/** A JSON answer of a peer's API. Throws when the status is not a success. */
export async function json<T>(peer: PeerProcess, path: string, init: RequestInit = {}): Promise<T> {
  const answer = await fetch(`${peer.api}${path}`, apart(init))
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${path} on ${peer.name}: ${answer.status} ${text}`)
  return JSON.parse(text) as T
}

/**
 * A question without a body gets a connection of its own: one that is kept may be the one on which a function has answered before it read all
 * of its input, and that one is closed once the rest of the input has been waited for.
 */
function apart(init: RequestInit): RequestInit {
  if (init.body !== undefined && init.body !== null) return init
  const headers = new Headers(init.headers)
  headers.set('connection', 'close')
  return { ...init, headers }
}

/** What a call of a function, or any other request, came back with. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The problem document, if it is one. */
  readonly problem: Problem | undefined
}

/** One request to a peer, whatever comes of it. */
export async function ask(peer: PeerProcess, path: string, init: RequestInit = {}): Promise<Reply> {
  const answer = await fetch(`${peer.api}${path}`, apart(init))
  const text = await answer.text()
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') ?? false
  return { status: answer.status, headers: answer.headers, text, problem: isProblem ? (JSON.parse(text) as Problem) : undefined }
}

/** Registers a function through a peer and waits until all know it. */
export async function upload(
  cluster: Cluster,
  peer: PeerProcess,
  request: { name: string; image: string } & Record<string, unknown>
): Promise<FunctionItem> {
  const { function: fn } = await json<{ function: FunctionItem }>(peer, '/v1/functions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request)
  })
  await cluster.knows(fn.name, fn.revision)
  return fn
}
