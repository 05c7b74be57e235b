import type { PeerId } from '../../model/ids.ts'
import { HOMES_COUNT } from './constants.ts'
import { mix } from './hash-text.ts'

/**
 * Slots of the {@link HOMES_COUNT} homes of a function, best first: rendezvous hashing (Thaler and Ravishankar 1998). Every placer finds the
 * same homes without asking, and a peer that comes or goes changes only the homes that are its own.
 *
 * @param functionHash `hashText` of the function's name
 * @param hashes by slot, `hashText` of the peer's id
 * @param isWorker by slot, whether it can be a home
 */
export function homesOf(
  functionHash: number,
  ids: readonly PeerId[],
  hashes: Uint32Array,
  isWorker: (slot: number) => boolean
): readonly number[] {
  const homes: { slot: number; id: PeerId; weight: number }[] = []
  for (const [slot, id] of ids.entries()) {
    if (!isWorker(slot)) continue
    const home = { slot, id, weight: mix((hashes[slot] ?? 0) ^ functionHash) }
    if (homes.length === HOMES_COUNT && !isBefore(home, homes.at(-1))) continue
    homes.push(home)
    for (let i = homes.length - 1; i > 0 && isBefore(home, homes[i - 1]); i--) {
      homes[i] = homes[i - 1] ?? home
      homes[i - 1] = home
    }
    if (homes.length > HOMES_COUNT) homes.pop()
  }
  return homes.map(({ slot }) => slot)
}

interface Weighted {
  readonly id: PeerId
  readonly weight: number
}

/** Higher weight first; the id decides between equal hashes, so that the order of the slots does not. */
function isBefore(a: Weighted, b: Weighted | undefined): boolean {
  return b === undefined || a.weight > b.weight || (a.weight === b.weight && a.id < b.id)
}
