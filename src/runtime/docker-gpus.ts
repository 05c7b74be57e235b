import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { CaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import { engineMessage, statusOf } from './docker-errors.ts'
import { type Owner, ownLabels } from './docker-labels.ts'

/** How often an engine that refuses is asked again: its operator installs what is missing, and restarts it without restarting the peer. */
const LOOK_AGAIN_MS = 60_000

/**
 * What an engine without a driver for GPUs says, and what the parts of NVIDIA's toolkit say that cannot do their work: a start that fails so was never the
 * image's fault.
 */
const REFUSAL = /could not select device driver|nvidia-container|nvidia-ctk|CDI device|unresolvable CDI/i

/** Of what the engine says: enough to search the web for. */
const REFUSAL_CHARS_MAX = 160

/** Two blocks of zeros: the end of an archive, with nothing before it. */
const EMPTY_ARCHIVE = Buffer.alloc(1_024)

/** A program that is in no image. */
const NO_PROGRAM = '/cares-gpu-probe'

/**
 * Whether the engine gives the machine's GPUs to containers. That the machine has some does not say so: without NVIDIA's container toolkit an engine
 * refuses, and what it lists of itself (its runtimes, its CDI folders) proves neither that it will nor that it will not. So it is asked for a container
 * with a GPU, of an empty image: the engine looks for the GPU before it looks for the program, and no program ever runs.
 */
export class DockerGpus {
  readonly #engine: Docker
  readonly #owner: Owner
  readonly #ids: readonly string[]
  readonly #clock: Clock
  readonly #log: Logger
  #refusal: string | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #isSettled = false

  constructor(engine: Docker, { owner, ids }: { owner: Owner; ids: readonly string[] }, { clock, log }: { clock: Clock; log: Logger }) {
    this.#engine = engine
    this.#owner = owner
    this.#ids = ids
    this.#clock = clock
    this.#log = log
  }

  /** Why containers are given none, for a person; undefined: they are, or nobody has asked the engine yet. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** Asks the engine once, and once a minute as long as it refuses or does not say. Never rejects. */
  async look(): Promise<void> {
    const nowMs = this.#clock.nowMs()
    if (this.#ids.length === 0 || this.#isSettled || nowMs - this.#lookedAtMs < LOOK_AGAIN_MS) return
    this.#lookedAtMs = nowMs
    try {
      const refusal = await probe(this.#engine, this.#owner)
      if (refusal !== undefined) this.#refuse(refusal)
      else {
        if (this.#refusal !== undefined) this.#log.info({ gpus: this.#ids.length }, 'the engine gives GPUs to containers now')
        this.#refusal = undefined
        this.#isSettled = true
      }
    } catch (err) {
      this.#log.debug({ err }, 'the engine was not asked for GPUs')
    }
  }

  /** What a failed start of a container with GPUs is, if it failed for them: `busy`, so that the work goes to another peer. */
  refused(error: unknown): CaresError | undefined {
    const message = engineMessage(error)
    if (!REFUSAL.test(message)) return undefined
    this.#refuse(message)
    return new CaresError('busy', `GPUs are refused here: ${this.#refusal}`, {
      retryable: true,
      details: { resource: 'gpus', needed: 1, available: 0 },
      cause: error
    })
  }

  #refuse(message: string): void {
    if (this.#refusal === undefined) this.#log.warn({ message, gpus: this.#ids.length }, 'the engine gives no GPUs to containers')
    this.#isSettled = false
    this.#refusal = `the engine gives its containers none of ${this.#ids.length}: ${message.slice(0, REFUSAL_CHARS_MAX)}`
  }
}

/** What the engine says against a container with a GPU; undefined: nothing. Throws where it says something else, or does not answer. */
async function probe(engine: Docker, owner: Owner): Promise<string | undefined> {
  const said = (await text((await engine.importImage(Readable.from([EMPTY_ARCHIVE]))) as Readable)).match(/sha256:[0-9a-f]{64}/)?.[0]
  if (said === undefined) throw new Error('the engine takes in no empty image')
  const image = engine.getImage(said)
  try {
    const container = await engine.createContainer({
      Image: said,
      Entrypoint: [NO_PROGRAM],
      Labels: ownLabels(owner, 'stdio'),
      HostConfig: { NetworkMode: 'none', DeviceRequests: [{ Count: 1, Capabilities: [['gpu']] }] }
    })
    try {
      await container.start()
    } catch (error) {
      const message = engineMessage(error)
      if (REFUSAL.test(message)) return message
      if (!message.includes(NO_PROGRAM)) throw error
    } finally {
      await container.remove({ force: true }).catch(unlessGone)
    }
    return undefined
  } finally {
    await image.remove({ force: true }).catch(unlessGone)
  }
}

/** The sweep of orphans may have been quicker, and another sweep finds what is left now. */
function unlessGone(error: unknown): void {
  if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
}

async function text(stream: Readable): Promise<string> {
  let all = ''
  for await (const part of stream) all += String(part)
  return all
}
