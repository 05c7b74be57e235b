import type { PeerAddress } from '../model/control.ts'
import type { PeerId } from '../model/ids.ts'
import type { PeerLife } from '../model/peer.ts'
import { addressListSchema, lifeListSchema, nameListSchema } from '../model/persisted.ts'
import { parseWith } from '../model/validation.ts'
import type { RowTable } from './row-table.ts'

/** Where peers were last reached, each in a row of `addresses`; what they were called and their latest lives, in one row each of `state`. */
export interface AddressTables {
  readonly addresses: RowTable
  readonly state: RowTable
}

/** Reads what {@link writeAddresses} has written. Throws `disk_failed` for a row that cannot be right. */
export function readAddresses({ addresses, state }: AddressTables): readonly PeerAddress[] {
  const rows = state.read()
  const names = new Map(state.valueOf(rows, 'names', value => parseWith(nameListSchema, value, 'it'), []))
  const lives = new Map(
    state
      .valueOf(rows, 'lives', value => parseWith(lifeListSchema, value, 'it'), [])
      .map(([id, session, startedAt]) => [id, { session, startedAt }])
  )
  const rowsOfAddresses = addresses.readAs(value => parseWith(addressListSchema, value, 'it'))
  return [...rowsOfAddresses].map(([id, each]) => addressOf(id as PeerId, each, names.get(id), lives.get(id)))
}

/** Replaces all of them. Belongs into a transaction of the caller. */
export function writeAddresses({ addresses, state }: AddressTables, peers: readonly PeerAddress[]): void {
  addresses.clear()
  for (const { id, addresses: each } of peers) addresses.put(id, each)
  // In rows of their own: earlier versions read a row of `addresses` as a list of addresses and nothing else.
  state.put(
    'names',
    peers.flatMap(({ id, name }) => (name === undefined ? [] : [[id, name]]))
  )
  state.put(
    'lives',
    peers.flatMap(({ id, life }) => (life === undefined ? [] : [[id, life.session, life.startedAt]]))
  )
}

function addressOf(id: PeerId, addresses: readonly string[], name: string | undefined, life: PeerLife | undefined): PeerAddress {
  return { id, addresses, ...(name === undefined ? {} : { name }), ...(life === undefined ? {} : { life }) }
}
