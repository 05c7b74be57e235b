import type { PeerService } from '../../model/service.ts'

/** A peer as answers mention it. */
export interface PeerRef {
  readonly id: string
  readonly name: string
}

/** A text for people in which peers are called by their ids, with the names of those that are known instead. */
export function withPeerNames(text: string, service: PeerService): string {
  return service.peers().reduce((named, { profile }) => named.replaceAll(profile.id, () => profile.name), text)
}

/** Names peers by id, from the view as it is now. One that is not in it any more is called by its id. */
export function peerNames(service: PeerService): (id: string) => PeerRef {
  const names = new Map<string, string>(service.peers().map(({ profile }) => [profile.id, profile.name]))
  return id => ({ id, name: names.get(id) ?? id })
}
