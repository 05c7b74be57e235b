import Docker from 'dockerode'

/** A container, as far as these tests look at one. */
export interface OwnedContainer {
  readonly id: string
  readonly function: string
  readonly state: string
}

/** The Docker engine of this machine, seen from outside CARES. */
export const engine = {
  /** Whether one answers. */
  answers: async (): Promise<boolean> => {
    try {
      await new Docker().ping()
      return true
    } catch {
      return false
    }
  },
  /** Every container that belongs to one of these peers, whatever state it is in. */
  containersOf: async (peers: readonly { readonly id: string }[]): Promise<readonly OwnedContainer[]> => {
    const all = await new Docker().listContainers({ all: true, filters: { label: ['io.cares.peer'] } })
    const ids = new Set(peers.map(({ id }) => id))
    return all
      .filter(({ Labels }) => ids.has(Labels['io.cares.peer'] ?? ''))
      .map(({ Id, Labels, State }) => ({ id: Id, function: Labels['io.cares.function'] ?? '', state: State }))
  },
  /** Networks that belong to one of these peers. */
  networksOf: async (peers: readonly { readonly id: string }[]): Promise<readonly string[]> => {
    const all = await new Docker().listNetworks({ filters: { label: ['io.cares.peer'] } })
    const ids = new Set(peers.map(({ id }) => id))
    return all.filter(({ Labels }) => ids.has(Labels?.['io.cares.peer'] ?? '')).map(({ Name }) => Name)
  }
} as const
