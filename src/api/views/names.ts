import type { PeerService } from '../../model/service.ts'

/** A peer as answers mention it. */
export interface PeerRef {
  readonly id: string
  readonly name: string
}

/** Names peers by id, from the view as it is now. One that is not in it any more is called by its id. */
export function peerNames(service: PeerService): (id: string) => PeerRef {
  const names = new Map<string, string>(service.peers().map(({ profile }) => [profile.id, profile.name]))
  return id => ({ id, name: names.get(id) ?? id })
}
