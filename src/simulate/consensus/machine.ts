import type { Entry } from '../../model/consensus.ts'

/** The smallest state that commands can change: how far they came, and a hash over all of them in order. */
export interface Machine {
  readonly appliedIndex: number
  readonly hash: number
}

/** The state before the first entry. */
export const EMPTY_MACHINE: Machine = { appliedIndex: 0, hash: 7 }

/** The state after `entry`, which must be the next one. */
export function applyEntry(machine: Machine, entry: Entry): Machine {
  const id = entry.kind === 'command' ? decodeCommand(entry.command) : 0
  const mixed = Math.imul(machine.hash ^ entry.index, 0x9e3779b1) ^ Math.imul(entry.term, 0x85ebca6b) ^ Math.imul(id + 1, 0xc2b2ae35)
  return { appliedIndex: entry.index, hash: mixed ^ (mixed >>> 15) }
}

/** A command that says nothing but its number. */
export function encodeCommand(id: number): Uint8Array {
  return Uint8Array.of(id >>> 24, id >>> 16, id >>> 8, id)
}

/** The number that {@link encodeCommand} made these bytes of. */
export function decodeCommand(command: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = command
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** The state as a snapshot's bytes. */
export function encodeMachine({ appliedIndex, hash }: Machine): Uint8Array {
  return new Uint8Array(Int32Array.of(appliedIndex, hash).buffer)
}

/** The state that {@link encodeMachine} made these bytes of. */
export function decodeMachine(data: Uint8Array): Machine {
  const [appliedIndex = 0, hash = 0] = new Int32Array(data.buffer, data.byteOffset, 2)
  return { appliedIndex, hash }
}
