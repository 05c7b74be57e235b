import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../src/cares.js', import.meta.url))

/** What a peer prints on stdout, as one line of JSON, once it serves. */
export interface Announcement {
  readonly id: string
  readonly name: string
  readonly api: string
  /** Without the secret of a private one. */
  readonly cluster: string
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A `cares peer` of its own process, as an operator has it. */
export class PeerProcess {
  readonly announcement: Announcement
  readonly pid: number
  /** Settles when the process has ended, however that came. */
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #log: string[]

  private constructor(child: ChildProcess, announcement: Announcement, ended: Promise<Ending>, log: string[]) {
    this.#child = child
    this.#log = log
    this.announcement = announcement
    this.ended = ended
    this.pid = child.pid ?? 0
  }

  /**
   * Starts a peer with these flags and waits for its announcement. Rejects with the log when it ends before. `within` is a command that runs
   * the rest of its arguments in its own place: `ip netns exec NAME`. `launcher`: `src/cares.js` of another version.
   */
  static async start(
    flags: readonly string[],
    env: Readonly<Record<string, string>> = {},
    { within = [], launcher = LAUNCHER }: { within?: readonly string[] | undefined; launcher?: string | undefined } = {}
  ): Promise<PeerProcess> {
    const [program = process.execPath, ...args] = [...within, process.execPath, launcher, 'peer', ...flags]
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env }
    })
    const ended = new Promise<Ending>(resolve => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    const log: string[] = []
    createInterface({ input: child.stderr }).on('line', line => log.push(line))
    const announced = new Promise<Announcement>(resolve => {
      createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line) as Announcement))
    })
    const first = await Promise.race([announced, ended])
    if ('code' in first)
      throw new Error(`the peer ended with ${first.code ?? first.signal} before it was ready:\n${log.slice(-20).join('\n')}`)
    return new PeerProcess(child, first, ended, log)
  }

  get id(): string {
    return this.announcement.id
  }

  get name(): string {
    return this.announcement.name
  }

  /** Base URL of its REST API. */
  get api(): string {
    return this.announcement.api
  }

  /** What another peer needs to join, the secret included, as an operator gets it. */
  async clusterId(): Promise<string> {
    const { code, stdout, stderr } = await cares(['id'], { env: { CARES_API: this.api } })
    if (code !== 0) throw new Error(`cares id ended with ${code}:\n${stderr}`)
    return stdout.trim()
  }

  /** The end of what it has logged. */
  log(lines = 40): string {
    return this.#log.slice(-lines).join('\n')
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal: SIGKILL is a crash, SIGSTOP a freeze, SIGTERM a request to stop. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Crashes it and waits until it is gone. */
  async crash(): Promise<Ending> {
    this.signal('SIGKILL')
    return this.ended
  }

  /** Asks it to stop and waits until it has. */
  async stop(): Promise<Ending> {
    if (this.isRunning) {
      this.signal('SIGCONT')
      this.signal('SIGTERM')
    }
    return this.ended
  }
}

/** Runs one `cares` command to its end. */
export async function cares(
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: Readonly<Record<string, string>> } = {}
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: 'pipe', env: { ...process.env, ...env } })
  child.stdin.end(stdin)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
