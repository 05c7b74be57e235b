import { createServer } from 'node:net'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { ImageInfo, TaskExecution } from '../model/ports/runtime.ts'
import { dockerArch } from './arch.ts'
import type { ContractWish } from './contract.ts'
import type { Driver, Orphan } from './driver.ts'
import { type ResolvedCommand, resolveCommand } from './process-command.ts'
import { type ProcessProgram, startProcess } from './process-program.ts'
import { functionEnv } from './stdio-env.ts'
import { TaskWatchdog } from './task-watchdog.ts'

const PATH_DEFAULT = '/usr/local/bin:/usr/bin:/bin'

/** Command lines remembered by their digest, so that `present` can look at them again; each uploaded function needs one. */
const COMMANDS_MAX = 10_000

export interface ProcessDriverInit {
  /** Folders in which programs are looked for, as in PATH. @default '/usr/local/bin:/usr/bin:/bin' */
  readonly path?: string | undefined
}

/** Runs functions as plain processes of this machine: the same contract, no isolation, and no limit but time. */
export function createProcessDriver(init: ProcessDriverInit, components: { clock: Clock; log: Logger }): Driver {
  return new ProcessDriver(init, components)
}

class ProcessDriver implements Driver {
  readonly kind = 'process'
  readonly arch = dockerArch(process.arch)
  readonly #path: string
  readonly #clock: Clock
  readonly #watchdog: TaskWatchdog
  readonly #commands = new Map<Digest, string>()

  constructor({ path = PATH_DEFAULT }: ProcessDriverInit, { clock, log }: { clock: Clock; log: Logger }) {
    this.#watchdog = new TaskWatchdog(null, { log })
    this.#path = path
    this.#clock = clock
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#watchdog.stop()
  }

  setLease(remainingMs: number): void {
    this.#watchdog.setLease(remainingMs)
  }

  async check(): Promise<{ ready: boolean; reason: string; hint?: string | undefined }> {
    return {
      ready: true,
      reason: 'processes of this machine: no isolation, and memory, cores and network are not limited',
      hint: 'use --runtime docker for functions that are not your own'
    }
  }

  async resolve(image: string, { wish = {} }: { wish?: ContractWish }): Promise<ImageInfo> {
    const { digest, bytes } = await this.#resolve(image)
    const isHttp = wish.contract === 'http' || (wish.contract !== 'stdio' && wish.port !== undefined)
    const because = isHttp ? 'http, as asked for; the port is given to the process as PORT' : 'stdio, since a command says nothing else'
    // No architecture: by this name each machine finds its own program.
    return { image, digest, bytes, contract: isHttp ? 'http' : 'stdio', port: isHttp ? (wish.port ?? 0) : 0, because }
  }

  async present(digests: readonly Digest[]): Promise<readonly Digest[]> {
    const found = await Promise.all(digests.map(async digest => ((await this.#isPresent(digest)) ? digest : undefined)))
    return found.filter(digest => digest !== undefined)
  }

  async exportImage(): Promise<never> {
    throw doNotTravel()
  }

  async importImage(): Promise<never> {
    throw doNotTravel()
  }

  onMissingImage(): void {}

  setFunctions(functions: readonly FunctionRecord[]): void {
    for (const { digest, image } of functions) this.#remember(digest, image)
  }

  async startStdio(
    fn: FunctionRecord,
    env: Readonly<Record<string, string>>,
    { signal, task }: { signal: AbortSignal; task?: TaskExecution | undefined }
  ): Promise<ProcessProgram> {
    return this.#start(fn, env, 0, signal, task)
  }

  async startServer(
    fn: FunctionRecord,
    { signal, task }: { signal: AbortSignal; task?: TaskExecution | undefined }
  ): Promise<ProcessProgram> {
    const port = await freePort()
    return this.#start(fn, { ...functionEnv(fn), PORT: String(port) }, port, signal, task)
  }

  /** An earlier life's processes ended with it or go on unknown: there is no label to know them by. */
  async prune(): Promise<readonly Orphan[]> {
    return []
  }

  async #start(
    fn: FunctionRecord,
    env: Readonly<Record<string, string>>,
    port: number,
    signal: AbortSignal,
    task?: TaskExecution
  ): Promise<ProcessProgram> {
    const command = await this.#resolve(fn.image)
    if (command.digest !== fn.digest) {
      throw new CaresError('image_not_found', `${fn.image} is another program on this machine than at upload`, {
        hint: 'install the same program at the same path, or upload the function again'
      })
    }
    signal.throwIfAborted()
    const args = [...command.args, ...(task?.args ?? [])]
    const program = await startProcess(
      { ...command, args },
      { env: { PATH: this.#path, ...env }, port, clock: this.#clock, stopGraceMs: task?.stopGraceMs }
    )
    if (task === undefined) return program
    this.#watchdog.guard(program.id)
    void program.exited.then(async () => program.dispose()).then(() => this.#watchdog.release(program.id))
    return program
  }

  async #isPresent(digest: Digest): Promise<boolean> {
    const line = this.#commands.get(digest)
    if (line === undefined) return false
    try {
      return (await this.#resolve(line)).digest === digest
    } catch {
      return false
    }
  }

  async #resolve(line: string): Promise<ResolvedCommand> {
    const command = await resolveCommand(line, this.#path)
    this.#remember(command.digest, line)
    return command
  }

  #remember(digest: Digest, line: string): void {
    if (this.#commands.size < COMMANDS_MAX) this.#commands.set(digest, line)
  }
}

/** A port that was free a moment ago. Another process may take it first; the function then fails to start, and the next start gets another. */
async function freePort(): Promise<number> {
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const closed = Promise.withResolvers<void>()
  server.close(() => closed.resolve())
  await closed.promise
  return port
}

/** A program is a file of this machine, with all that it needs around it. */
function doNotTravel(): CaresError {
  return new CaresError('image_unsupported', 'with --runtime process, programs do not travel between peers', {
    hint: 'install the program on every peer, or use --runtime docker'
  })
}
