import { statSync } from 'node:fs'
import { CaresError } from '../model/errors.ts'

/** Where an engine answers: `unix:///var/run/docker.sock` or `tcp://host:2375`. */
export type DockerHost = string

/** What dockerode throws: a status where the engine answered, a system error code where it did not. */
interface EngineFault extends Error {
  readonly statusCode?: number
  readonly code?: string
  readonly json?: { readonly message?: string }
}

/** The HTTP status of an engine's refusal; undefined if it is something else. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error ? (error as EngineFault).statusCode : undefined
}

/** What the engine said, without the client's decoration. */
export function engineMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // dockerode puts the status before what the engine said when that came as plain text.
  return ((error as EngineFault).json?.message ?? error.message.replace(/^\(HTTP code \d+\) [^-]* - /, '')).trim()
}

/** `runtime_unavailable` for an engine that cannot be reached or refuses without a reason that is the image's. */
export function engineUnavailable(error: unknown, host: DockerHost): CaresError {
  if (error instanceof CaresError) return error
  const code = error instanceof Error ? (error as EngineFault).code : undefined
  const where = host.replace(/^unix:\/\//, '')
  if (code === 'EACCES' || code === 'EPERM') return noPermission(where, error)
  const options = { retryable: true, cause: error }
  if (code === 'ENOENT') {
    return new CaresError('runtime_unavailable', `no Docker engine at ${where}: there is no such socket`, {
      hint: 'install and start Docker, set DOCKER_HOST, or start the peer with --runtime process (no isolation)',
      ...options
    })
  }
  if (code === 'ECONNREFUSED') {
    return new CaresError('runtime_unavailable', `the Docker engine at ${where} is not running: connection refused`, {
      hint: 'start it, for example with: systemctl start docker',
      ...options
    })
  }
  return new CaresError('runtime_unavailable', `the Docker engine at ${where} failed: ${engineMessage(error)}`, options)
}

/** The engine could not start what the image asks for: its command is not there, not executable, or for another machine. */
export function startFailed(error: unknown, image: string, host: DockerHost): CaresError {
  const message = engineMessage(error)
  const isImages = /executable file not found|no such file or directory|permission denied|exec format error|no command specified/i.test(
    message
  )
  if (statusOf(error) === undefined || !isImages) return engineUnavailable(error, host)
  return new CaresError('image_unsupported', `${image} cannot be started: ${message.slice(0, 500)}`, {
    hint: /exec format error/i.test(message)
      ? 'the image is made for another platform than this machine: build it for this one, too'
      : 'check the ENTRYPOINT and CMD of the image',
    cause: error
  })
}

function noPermission(path: string, cause: unknown): CaresError {
  const user = process.getuid?.() ?? 0
  let gid: number | undefined
  try {
    gid = statSync(path).gid
  } catch {
    // Even the folder may be closed to this user; the message does without the group then.
  }
  const group = gid === undefined ? '' : `socket gid ${gid}, `
  return new CaresError('runtime_unavailable', `cannot use Docker at ${path}: permission denied (${group}this process ${user})`, {
    hint: `docker run --group-add ${gid ?? 'GID'} …   (compose: DOCKER_GID=${gid ?? 'GID'}; on the host: usermod -aG docker USER, then log in anew)`,
    cause
  })
}
