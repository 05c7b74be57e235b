import type { NetworkInterfaceInfo } from 'node:os'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** What `os.networkInterfaces()` says. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** Interfaces that container engines and hypervisors make: other machines cannot reach their addresses. */
const BRIDGES = /^(docker|br-|veth|virbr|cni|flannel|lxc|podman|vmnet|vboxnet)/

/**
 * The addresses that others should try, best first. What only this machine can reach (bridges of container engines, then loopback) comes last,
 * and is left out when there is anything better: others would try it and wait.
 */
export function usableAddresses(addresses: readonly Multiaddr[], interfaces: Interfaces): Multiaddr[] {
  const bridges = new Set(
    Object.entries(interfaces).flatMap(([name, infos]) => (BRIDGES.test(name) ? (infos ?? []).map(({ address }) => address) : []))
  )
  const ranked = addresses.map(address => ({ address, rank: rankOf(address, bridges) }))
  const best = Math.min(...ranked.map(({ rank }) => rank))
  const kept = ranked.filter(({ rank }) => rank < LOCAL_RANK || rank === best)
  return kept.sort((a, b) => a.rank - b.rank).map(({ address }) => address)
}

/** `address` without its `/p2p/…` part. */
export function withoutPeer(address: string | Multiaddr): string {
  const parsed = multiaddr(address)
  return parsed.getComponents().some(({ name }) => name === 'p2p') ? parsed.decapsulateCode(P2P_CODE).toString() : parsed.toString()
}

const P2P_CODE = 421
/** From here on an address is of use on this machine only. */
const LOCAL_RANK = 3

function rankOf(address: Multiaddr, bridges: ReadonlySet<string>): number {
  const host = address.getComponents()[0]
  const value = host?.value ?? ''
  if (host?.name.startsWith('dns') === true) return 0
  if (host?.name === 'ip4') return value.startsWith('127.') ? 5 : bridges.has(value) ? 4 : value.startsWith('169.254.') ? LOCAL_RANK : 1
  return value === '::1' ? 5 : bridges.has(value) ? 4 : /^fe[89ab]/i.test(value) ? LOCAL_RANK : 2
}
