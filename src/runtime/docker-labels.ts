import type { ClusterUid, PeerId, Session } from '../model/ids.ts'

/** Which life of which peer something belongs to. */
export interface Owner {
  readonly peer: PeerId
  readonly cluster: ClusterUid | null
  readonly session: Session
}

/** The labels on everything that CARES makes in an engine: by them it finds its own again, and touches nothing else. */
export const LABEL = {
  peer: 'io.cares.peer',
  cluster: 'io.cares.cluster',
  session: 'io.cares.session',
  kind: 'io.cares.kind',
  function: 'io.cares.function'
} as const

/** `kind`: how the container is used, or `network`. */
export function ownLabels(owner: Owner, kind: 'stdio' | 'http' | 'network'): Record<string, string> {
  return {
    [LABEL.peer]: owner.peer,
    [LABEL.cluster]: owner.cluster ?? '',
    [LABEL.session]: String(owner.session),
    [LABEL.kind]: kind
  }
}
