import type { PeerAddress } from '../model/control.ts'
import type { PeerId } from '../model/ids.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Node } from './node.ts'
import { parseAddress, parsePeerId } from './parse-address.ts'

export interface AddressBookComponents {
  readonly self: PeerId
  readonly node: Pick<Node, 'peerStore' | 'getConnections'>
  readonly log: Logger
}

/**
 * What libp2p is told of where peers are. Addresses do not age there, so those of peers that are neither members nor connected are taken back: they
 * would stay for ever.
 */
export class AddressBook {
  readonly #components: AddressBookComponents
  /** One transaction after the other, so that the last word wins. */
  #written: Promise<unknown> = Promise.resolve()
  #members: ReadonlySet<PeerId> = new Set()
  /** The addresses of each peer that libp2p was told last, as one text. */
  readonly #told = new Map<PeerId, string>()

  constructor(components: AddressBookComponents) {
    this.#components = components
  }

  /** As `Transport.learn`. Resolves when it is done; never rejects. */
  learn(peers: readonly PeerAddress[]): Promise<void> {
    return this.#write(async () => {
      for (const { id, addresses } of peers) await this.#tell(id, addresses)
    })
  }

  /** Learns where these peers are, and forgets all others that are not connected. Resolves with those that are somewhere; never rejects. */
  async setMembers(members: readonly PeerAddress[]): Promise<readonly PeerAddress[]> {
    this.#members = new Set(members.map(({ id }) => id))
    const learned = this.learn(members)
    for (const peer of this.#told.keys()) this.forgetStranger(peer)
    await learned
    return members.filter(({ id }) => this.#told.has(id))
  }

  /** To be called when the last connection to a peer has closed. */
  forgetStranger(peer: PeerId): void {
    const { node } = this.#components
    void this.#write(async () => {
      const id = parsePeerId(peer)
      if (this.#members.has(peer) || node.getConnections(id).length > 0) return
      this.#told.delete(peer)
      await node.peerStore.delete(id)
    })
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#written
  }

  async #tell(id: PeerId, addresses: readonly string[]): Promise<void> {
    const { self, node } = this.#components
    const text = addresses.join(' ')
    if (id === self || addresses.length === 0 || this.#told.get(id) === text) return
    const multiaddrs = addresses.flatMap(address => parseAddress(address) ?? [])
    await node.peerStore.patch(parsePeerId(id), { multiaddrs })
    this.#told.set(id, text)
  }

  #write(change: () => Promise<void>): Promise<void> {
    const written = this.#written.then(change).catch((err: unknown) => this.#components.log.warn({ err }, 'addresses of peers not kept'))
    this.#written = written
    return written
  }
}
