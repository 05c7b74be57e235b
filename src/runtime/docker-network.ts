import { readFileSync } from 'node:fs'
import type Docker from 'dockerode'
import type { NetworkPolicy } from '../model/function.ts'
import { type Owner, ownLabels } from './docker-labels.ts'
import { closeHostTo, openHostTo } from './host-firewall.ts'
import type { Logger } from '../model/ports/logger.ts'
import { statusOf } from './docker-errors.ts'

/** Characters of a network's id in the name of its bridge. */
const BRIDGE_ID_CHARS = 12

/** The engine's own network with a way out. */
const EGRESS_NETWORK = 'bridge'

/**
 * The networks that containers of one peer are put into. A `stdio` container without network gets none at all. An `http` one must be reached by
 * the peer, so it gets a bridge of the peer's own that leads nowhere else: no route out, none to its neighbours, and none to ports of the machine
 * itself, as far as the peer may say so (see `closeHostTo`); where it may not, it logs that those can be reached.
 *
 * A peer that is itself a container of the same engine joins those networks; then neighbours can reach each other, since to the engine the peer is
 * one of them.
 */
export class DockerNetworks {
  readonly #engine: Docker
  readonly #owner: Owner
  readonly #log: Logger
  readonly #internalName: string
  #internal: Promise<string> | undefined
  #egress: Promise<string> | undefined
  #self: Promise<string | undefined> | undefined

  constructor(engine: Docker, owner: Owner, log: Logger) {
    this.#engine = engine
    this.#owner = owner
    this.#log = log
    this.#internalName = `cares-${owner.peer.slice(-12)}`
  }

  /** The network for a container that must be reached. The first call makes it. */
  forServer(policy: NetworkPolicy): Promise<string> {
    if (policy === 'egress') {
      this.#egress ??= this.#join(EGRESS_NETWORK).catch((error: unknown) => {
        this.#egress = undefined
        throw error
      })
      return this.#egress
    }
    this.#internal ??= this.#createInternal().catch((error: unknown) => {
      this.#internal = undefined
      throw error
    })
    return this.#internal
  }

  /** The network for a container that only its standard streams reach. */
  forStdio(policy: NetworkPolicy): string {
    return policy === 'egress' ? EGRESS_NETWORK : 'none'
  }

  /** Removes the peer's own network, which must be empty. */
  async remove(): Promise<void> {
    this.#internal = undefined
    const self = await this.#findSelf()
    const network = this.#engine.getNetwork(this.#internalName)
    try {
      if (self !== undefined) await network.disconnect({ Container: self, Force: true })
      const bridge = self === undefined ? await bridgeOf(network) : undefined
      await network.remove()
      if (bridge !== undefined) await openHostTo(bridge)
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
  }

  async #createInternal(): Promise<string> {
    const self = await this.#findSelf()
    try {
      await this.#engine.createNetwork({
        Name: this.#internalName,
        CheckDuplicate: true,
        Driver: 'bridge',
        Internal: true,
        Labels: ownLabels(this.#owner, 'network'),
        Options: { 'com.docker.network.bridge.enable_icc': String(self !== undefined) }
      })
    } catch (error) {
      // 409: an earlier life of this peer made it.
      if (statusOf(error) !== 409) throw error
    }
    if (self === undefined) await this.#closeHost()
    return this.#join(this.#internalName)
  }

  async #closeHost(): Promise<void> {
    const bridge = await bridgeOf(this.#engine.getNetwork(this.#internalName))
    try {
      await closeHostTo(bridge)
    } catch (err) {
      this.#log.warn(
        { err, bridge },
        'functions without network can reach ports of this machine: the peer may not close them (iptables, as root)'
      )
    }
  }

  async #join(name: string): Promise<string> {
    const self = await this.#findSelf()
    if (self === undefined) return name
    const { NetworkSettings } = await this.#engine.getContainer(self).inspect()
    if (NetworkSettings.Networks[name] === undefined) await this.#engine.getNetwork(name).connect({ Container: self })
    return name
  }

  #findSelf(): Promise<string | undefined> {
    this.#self ??= findOwnContainer(this.#engine)
    return this.#self
  }
}

/** What the engine calls the bridge of a network on its machine. */
async function bridgeOf(network: Docker.Network): Promise<string> {
  const { Id } = await network.inspect()
  return `br-${Id.slice(0, BRIDGE_ID_CHARS)}`
}

/** The container that this process runs in, if it is one of this engine. */
async function findOwnContainer(engine: Docker): Promise<string | undefined> {
  const id = parseOwnContainer(readFileSync('/proc/self/mountinfo', 'utf8'))
  if (id === undefined) return undefined
  try {
    await engine.getContainer(id).inspect()
    return id
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** A container's id from the text of `/proc/self/mountinfo`: engines mount its host name from a folder by that name. Undefined outside one. */
export function parseOwnContainer(mountinfo: string): string | undefined {
  return /\/containers\/([0-9a-f]{64})\/\S+ \/etc\/(?:hostname|hosts|resolv\.conf) /.exec(mountinfo)?.[1]
}
