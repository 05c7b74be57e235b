import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { eventually } from '../support/eventually.ts'

/** A Docker engine beside the machine's own, with images and containers of its own, as another machine would have. Needs root and dockerd. */
export class SecondEngine {
  readonly docker: Docker
  /** As in DOCKER_HOST. */
  readonly host: string
  readonly #root: string
  #process: ChildProcess | undefined

  private constructor(root: string) {
    this.#root = root
    this.host = `unix://${join(root, 'docker.sock')}`
    this.docker = new Docker({ socketPath: join(root, 'docker.sock') })
  }

  /** Starts it and waits until it answers. Throws when there is no dockerd, or it may not run here. */
  static async start(): Promise<SecondEngine> {
    const engine = new SecondEngine(await mkdtemp(join(tmpdir(), 'cares-engine-')))
    await engine.run()
    return engine
  }

  /** Runs it, with what it held when it was halted. */
  async run(): Promise<void> {
    const root = this.#root
    const places = ['--data-root', join(root, 'data'), '--exec-root', join(root, 'exec'), '--pidfile', join(root, 'pid')]
    // A network namespace of its own: an engine without a bridge removes the bridge of the machine's own engine where it finds it.
    const apart = ['--bridge=none', '--iptables=false', '--ip-masq=false']
    const command = ['dockerd', ...places, ...apart, '--host', `unix://${join(root, 'docker.sock')}`]
    const child = spawn('unshare', ['--net', '--', ...command], { stdio: 'ignore' })
    this.#process = child
    const failed = new Promise<never>((_, reject) => child.once('error', reject))
    const answers = eventually('the second engine to answer', async () => {
      await this.docker.ping()
      return true
    })
    await Promise.race([answers, failed])
  }

  /** Ends it, and with it what runs in it. */
  async halt(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Kills it: what runs in it is then nobody's, until it runs again. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#process = undefined
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.kill(signal)
    await ended
  }

  async stop(): Promise<void> {
    await this.halt()
    // One that was killed left processes and mounts that the next one of the same folder did not make, and so does not clear away.
    for (const pid of await processesOf(this.#root)) endIfThere(pid)
    await eventually('the processes of the second engine to end', async () =>
      (await processesOf(this.#root)).length === 0 ? true : undefined
    )
    for (const place of await mountsBelow(this.#root)) spawnSync('umount', [place])
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Processes that were started with something of `folder`: containerd and the shims of its containers. */
async function processesOf(folder: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(pid => pid > 0 && pid !== process.pid)
  const commands = await Promise.all(pids.map(async pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => commands[index]?.includes(`${folder}/`))
}

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Where something is mounted below `folder`, the innermost first. */
async function mountsBelow(folder: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  const places = lines.map(line => line.split(' ')[4] ?? '').filter(place => place.startsWith(`${folder}/`))
  return places.toReversed()
}
