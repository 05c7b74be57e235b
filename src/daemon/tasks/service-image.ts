import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerView } from '../../model/peer.ts'
import type { ImageInfo, Runtime } from '../../model/ports/runtime.ts'
import type { ServiceRequest } from '../../model/task-service.ts'

/** The port at the end of an address: of an API's URL, or of a multiaddr. */
const PORT = /(?::|\/tcp\/)(\d+)(?:\/.*)?$/

/**
 * An image as one that is reached at a port: the one that was asked for, else the one that it exposes, else the published one. Throws as
 * `Runtime.resolve` does, and `invalid` where nobody says which port it is.
 */
export async function resolveServer(
  runtime: Pick<Runtime, 'resolve'>,
  image: string,
  { publish, port, pull, signal }: ServiceRequest & Omit<Parameters<Runtime['resolve']>[1], 'wish'>
): Promise<ImageInfo> {
  const found = await runtime.resolve(image, { pull, wish: port === undefined ? {} : { port }, signal }).catch((err: unknown) => {
    const error = toCaresError(err)
    if (!Array.isArray(error.details['ports'])) throw error
    throw new CaresError(error.code, error.message, {
      hint: `say which: --publish ${publish ?? 'PORT'}:${error.details['ports'].join('|')}`,
      details: error.details
    })
  })
  if (found.contract === 'http') return found
  if (publish === undefined) {
    throw new CaresError('invalid', `${image} does not say at which port it listens`, {
      hint: 'say it: "port" of the service, or --publish'
    })
  }
  return runtime.resolve(image, { pull: 'never', wish: { port: publish }, signal })
}

/** Throws `conflict` for a port on which a peer itself takes connections: there, nobody would reach the service. */
export function checkPort({ publish }: ServiceRequest, views: readonly PeerView[]): void {
  if (publish === undefined) return
  for (const { profile, state } of views) {
    if (state === 'gone' || ![profile.api, ...profile.addresses].some(address => Number(PORT.exec(address)?.[1]) === publish)) continue
    throw new CaresError('conflict', `the peer ${profile.name} itself is at port ${publish}`, { hint: 'publish another port' })
  }
}
