import type Docker from 'dockerode'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord, PullPolicy } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import type { ImageInfo } from '../model/ports/runtime.ts'
import { type ContractWish, detectContract, type ImageFacts } from './contract.ts'
import { type HealthCommand, type HealthConfig, healthCommand } from './docker-health.ts'
import type { BringImage } from './driver.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { requireImageReference } from './image-reference.ts'
import { registryAuth } from './registry-auth.ts'
import { type DockerHost, engineMessage, engineUnavailable, statusOf } from './docker-errors.ts'

/** The images of one engine. */
export class DockerImages {
  readonly #engine: Docker
  readonly #host: DockerHost
  readonly #credentials: string | undefined
  /** Looks for a missing image elsewhere before its registry is asked. */
  bring: BringImage = async () => false

  /** `credentials`: the folder where `docker login` left them. */
  constructor(engine: Docker, host: DockerHost, credentials: string | undefined) {
    this.#engine = engine
    this.#host = host
    this.#credentials = credentials
  }

  /** See `Runtime.resolve`. */
  async resolve(
    image: string,
    { pull, wish, arch, signal }: { pull: PullPolicy; wish?: ContractWish | undefined; arch: string; signal: AbortSignal }
  ): Promise<ImageInfo> {
    requireImageReference(image)
    if (pull === 'always') await this.#pull(image, signal)
    let found = await this.#inspect(image, signal)
    if (found === undefined && pull === 'missing') {
      await this.#pull(image, signal)
      found = await this.#inspect(image, signal)
    }
    if (found === undefined)
      throw notFound(image, 'it is not on this machine', { hint: 'load it (docker load, docker build), or let it be pulled' })
    if (found.Os !== 'linux' || found.Architecture !== arch) {
      const message = `${image} is for ${found.Os}/${found.Architecture}, this machine is linux/${arch}`
      throw new CaresError('image_unsupported', message, { hint: `build it with --platform linux/${arch}` })
    }
    const choice = detectContract(toFacts(image, found), wish)
    return { image, digest: found.Id as Digest, bytes: found.Size, arch: found.Architecture, ...choice }
  }

  /** See `Runtime.present`. */
  async present(digests: readonly Digest[], { signal }: { signal: AbortSignal }): Promise<readonly Digest[]> {
    try {
      const images = await this.#engine.listImages({ abortSignal: signal })
      const here = new Set(images.map(image => image.Id))
      return digests.filter(digest => here.has(digest))
    } catch (error) {
      throw this.#failed(error, signal)
    }
  }

  /** Gets a function's image from a peer, else from its registry. Throws `image_not_found` also when that has other bytes by that name now. */
  async fetch(fn: FunctionRecord, { signal }: { signal: AbortSignal }): Promise<void> {
    if (await this.bring(fn, { signal })) return
    await this.#pull(fn.image, signal)
    const found = await this.#inspect(fn.digest, signal)
    if (found === undefined) {
      throw notFound(fn.image, `the registry has another image by that name than ${fn.digest}`, { hint: 'upload the function again' })
    }
  }

  /** The HEALTHCHECK of an image. Throws as the engine does, with 404 when the image is not here. */
  async health(digest: Digest): Promise<HealthCommand | undefined> {
    const { Config } = await this.#engine.getImage(digest).inspect()
    return healthCommand(Config as HealthConfig)
  }

  async #inspect(image: string, signal: AbortSignal): Promise<Docker.ImageInspectInfo | undefined> {
    try {
      return await untilAborted(this.#engine.getImage(image).inspect(), signal)
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      if (statusOf(error) === 400) throw new CaresError('invalid', `not an image reference: ${JSON.stringify(image)}`, { cause: error })
      throw this.#failed(error, signal)
    }
  }

  async #pull(image: string, signal: AbortSignal): Promise<void> {
    try {
      const authconfig = this.#credentials === undefined ? undefined : await registryAuth(image, this.#credentials, { signal })
      const progress = await this.#engine.pull(image, { abortSignal: signal, ...(authconfig === undefined ? {} : { authconfig }) })
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      this.#engine.modem.followProgress(progress, error => (error === null ? resolve() : reject(error)))
      await promise
    } catch (error) {
      if (error instanceof CaresError) throw error
      // Before the engine's answer it is the engine that failed; in it, and after, it is what the registry said.
      if (signal.aborted || (statusOf(error) === undefined && isSystemError(error))) throw this.#failed(error, signal)
      if (statusOf(error) === 400) throw new CaresError('invalid', `not an image reference: ${JSON.stringify(image)}`, { cause: error })
      throw notFound(image, `it could not be pulled: ${engineMessage(error).slice(0, 500)}`, {
        hint: 'check the name, docker login, or build it here',
        cause: error
      })
    }
  }

  #failed(error: unknown, signal: AbortSignal): unknown {
    return signal.aborted ? signal.reason : engineUnavailable(error, this.#host)
  }
}

/** The evidence in an image's configuration. */
function toFacts(image: string, { Config }: Pick<Docker.ImageInspectInfo, 'Config'>): ImageFacts {
  const config = Config as Partial<Omit<typeof Config, 'Healthcheck'>> & { Healthcheck?: { Test?: string[] } | null }
  return {
    image,
    labels: config.Labels ?? {},
    entrypoint: [config.Entrypoint ?? []].flat(),
    command: config.Cmd ?? [],
    env: config.Env ?? [],
    exposed: Object.keys(config.ExposedPorts ?? {}),
    healthcheck: config.Healthcheck?.Test ?? []
  }
}

function notFound(image: string, why: string, options: { hint: string; cause?: unknown }): CaresError {
  return new CaresError('image_not_found', `no image ${image}: ${why}`, options)
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
