import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { eventually } from './cluster.ts'

/** A Docker engine beside the machine's own, with images and containers of its own, as another machine would have. Needs root and dockerd. */
export class SecondEngine {
  readonly docker: Docker
  /** As in DOCKER_HOST. */
  readonly host: string
  readonly #root: string
  readonly #process: ChildProcess

  private constructor(root: string, process: ChildProcess) {
    this.#root = root
    this.#process = process
    this.host = `unix://${join(root, 'docker.sock')}`
    this.docker = new Docker({ socketPath: join(root, 'docker.sock') })
  }

  /** Starts it and waits until it answers. Throws when there is no dockerd, or it may not run here. */
  static async start(): Promise<SecondEngine> {
    const root = await mkdtemp(join(tmpdir(), 'cares-engine-'))
    const places = ['--data-root', join(root, 'data'), '--exec-root', join(root, 'exec'), '--pidfile', join(root, 'pid')]
    // A network namespace of its own: an engine without a bridge removes the bridge of the machine's own engine where it finds it.
    const apart = ['--bridge=none', '--iptables=false', '--ip-masq=false']
    const command = ['dockerd', ...places, ...apart, '--host', `unix://${join(root, 'docker.sock')}`]
    const process = spawn('unshare', ['--net', '--', ...command], { stdio: 'ignore' })
    const failed = new Promise<never>((_, reject) => process.once('error', reject))
    const engine = new SecondEngine(root, process)
    const answers = eventually('the second engine to answer', async () => {
      await engine.docker.ping()
      return true
    })
    await Promise.race([answers, failed])
    return engine
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>(resolve => this.#process.once('exit', () => resolve()))
    this.#process.kill('SIGTERM')
    await ended
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 })
  }
}
