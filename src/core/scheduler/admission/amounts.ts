import { type Amounts, RESOURCES } from '../../../model/admission.ts'

/** None of any resource. */
export const NOTHING: Amounts = { cpus: 0, memoryBytes: 0, diskBytes: 0 }

/** `a + factor · b`, of each resource. */
export function plus(a: Amounts, b: Amounts, factor = 1): Amounts {
  return {
    cpus: a.cpus + factor * b.cpus,
    memoryBytes: a.memoryBytes + factor * b.memoryBytes,
    diskBytes: a.diskBytes + factor * b.diskBytes
  }
}

/** Of sums of fractions: a millionth of what is wanted. */
const TOLERANCE_RATIO = 1e-6

/** Whether `room` has `wanted`, for every resource of which any is wanted: a full disk is no reason to refuse what needs none. */
export function hasRoom(room: Amounts, wanted: Amounts): boolean {
  return RESOURCES.every(resource => wanted[resource] <= 0 || wanted[resource] * (1 - TOLERANCE_RATIO) <= room[resource])
}

/** `amounts`, each times its own share. */
export function shareOf(amounts: Amounts, shares: Amounts): Amounts {
  return {
    cpus: amounts.cpus * shares.cpus,
    memoryBytes: amounts.memoryBytes * shares.memoryBytes,
    diskBytes: amounts.diskBytes * shares.diskBytes
  }
}
