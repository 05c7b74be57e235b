import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { CaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Exit, Measured, ServerInstance, StdioInstance } from './driver.ts'
import { yieldPrecedence } from './precedence.ts'
import type { ResolvedCommand } from './process-command.ts'
import { readProcessUsage } from './process-usage.ts'
import { within } from './within.ts'

/** From SIGTERM to SIGKILL: an abort is to be over within a second. */
const STOP_GRACE_MS = 300

/**
 * Between two samples. The numbers go when the process does, so what it used in its last moments is not seen; a shorter time sees more of it and
 * costs more (two reads take about 40 µs).
 */
const SAMPLE_MS = 10

/** One started process and the group of its descendants. */
export class ProcessProgram implements StdioInstance, ServerInstance {
  readonly id: string
  readonly pullMs = 0
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly exited: Promise<Exit>
  readonly host = '127.0.0.1'
  readonly port: number
  readonly #pid: number
  readonly #clock: Clock
  readonly #stopGraceMs: number
  readonly #sampling: Disposable
  #measured: Measured = {}
  #hasExited = false
  #disposed: Promise<void> | undefined

  constructor(
    child: ChildProcess,
    { port, clock, stopGraceMs = STOP_GRACE_MS }: { port: number; clock: Clock; stopGraceMs?: number | undefined }
  ) {
    this.#stopGraceMs = stopGraceMs
    this.#pid = child.pid ?? 0
    this.id = String(this.#pid)
    this.port = port
    this.#clock = clock
    this.stdin = child.stdin ?? new PassThrough()
    this.stdout = child.stdout ?? new PassThrough()
    this.stderr = child.stderr ?? new PassThrough()
    // Errors of stdin mean that the program does not read any more; a cut-short call destroys stdout with its reason, which is the reader's to see.
    this.stdin.on('error', () => {})
    this.stdout.on('error', () => {})
    this.#sampling = clock.every(SAMPLE_MS, () => void this.measure())
    const { promise, resolve } = Promise.withResolvers<Exit>()
    this.exited = promise
    child.once('exit', (code, signal) => {
      this.#hasExited = true
      this.#sampling[Symbol.dispose]()
      resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), outOfMemory: false })
    })
  }

  measure(): Measured {
    const now = this.#hasExited ? undefined : readProcessUsage(this.#pid)
    // A process that has ended but is not waited for yet has no memory any more, so the last peak stays.
    if (now !== undefined) this.#measured = { cpuMs: now.cpuMs, memoryPeakBytes: now.memoryPeakBytes ?? this.#measured.memoryPeakBytes }
    return this.#measured
  }

  /** All processes share the machine's network, so nobody can say whose a port is. */
  listeningPort(): undefined {}

  dispose(): Promise<void> {
    this.#disposed ??= this.#stop()
    return this.#disposed
  }

  async #stop(): Promise<void> {
    if (!this.#hasExited) {
      this.#kill('SIGTERM')
      await within(this.exited, this.#stopGraceMs, this.#clock)
    }
    // Also after the program's own end: its descendants may have stayed.
    this.#kill('SIGKILL')
    await this.exited
  }

  #kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    try {
      process.kill(-this.#pid, signal)
    } catch {
      // ESRCH: the whole group has ended already.
    }
  }
}

/** Starts a command in a process group of its own. Throws `image_unsupported` when the machine cannot start it. */
export async function startProcess(
  { executable, args }: ResolvedCommand,
  { env, port, clock, stopGraceMs }: { env: Readonly<Record<string, string>>; port: number; clock: Clock; stopGraceMs?: number | undefined }
): Promise<ProcessProgram> {
  const child = spawn(executable, args, { env: { ...env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  yieldPrecedence(child.pid)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('spawn', resolve)
  child.once('error', reject)
  try {
    // The listeners for its end must be there before it can end, so the program is made before it is known to run.
    const program = new ProcessProgram(child, { port, clock, stopGraceMs })
    await promise
    return program
  } catch (cause) {
    throw new CaresError('image_unsupported', `${executable} cannot be started: ${(cause as Error).message}`, { cause })
  }
}
