import { CaresError } from '../model/errors.ts'

/** Refuses what the other side sent. Always throws. */
export function refuse(what: string): never {
  throw new CaresError('protocol', what, { hint: 'run the same version of CARES on all peers' })
}

/** `text` if it has at most `charsMax` UTF-16 units and, unless `empty` is allowed, at least one. */
export function text(value: string, name: string, charsMax: number, { empty = true }: { empty?: boolean } = {}): string {
  if (value.length > charsMax) refuse(`${name} has ${value.length} characters, more than ${charsMax}`)
  if (!empty && value === '') refuse(`${name} is empty`)
  return value
}

/** A whole number from 0 to 2^53 - 1, from the wire's 64 bits. */
export function whole(value: bigint, name: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) refuse(`${name} is larger than 2^53 - 1`)
  return Number(value)
}

/** The wire's form of a whole number from 0 to 2^53 - 1. */
export function toWhole(value: number, name: string): bigint {
  if (!Number.isSafeInteger(value) || value < 0) refuse(`${name} is not a whole number from 0 on: ${value}`)
  return BigInt(value)
}

/** A finite number from 0 on: times, shares of cores, prices. */
export function amount(value: number, name: string): number {
  if (!Number.isFinite(value) || value < 0) refuse(`${name} is not a number from 0 on: ${value}`)
  // Minus zero equals zero but is told apart by strict equality.
  return value === 0 ? 0 : value
}

/** `value` if it is one of `allowed`. */
export function oneOf<Value extends string>(value: string, name: string, allowed: readonly Value[]): Value {
  const found = allowed.find(candidate => candidate === value)
  return found ?? refuse(`${name} is none of ${allowed.join(', ')}`)
}

/** `values` if they are at most `max`. */
export function list<Item>(values: readonly Item[], name: string, max: number): readonly Item[] {
  return values.length <= max ? values : refuse(`${name} has ${values.length} items, more than ${max}`)
}

/** `bytes` if they are at most `bytesMax`. */
export function bytes(value: Uint8Array, name: string, bytesMax: number): Uint8Array {
  return value.length <= bytesMax ? value : refuse(`${name} has ${value.length} bytes, more than ${bytesMax}`)
}

/** A part that proto3 cannot require, but the protocol does. */
export function required<Value>(value: Value | undefined, name: string): Value {
  return value ?? refuse(`${name} is missing`)
}

/** Refuses a message with a part, however deep, that this version does not know. Its codec must keep these. */
export function allKnown(message: object, name: string): void {
  if ('$unknown' in message && Array.isArray(message.$unknown) && message.$unknown.length > 0) {
    refuse(`${name} has a field that this version does not know`)
  }
  for (const part of Object.values<unknown>({ ...message })) {
    if (typeof part === 'object' && part !== null && !ArrayBuffer.isView(part)) allKnown(part, name)
  }
}

/** `{ [name]: value }` if there is a value, else nothing: an absent field stays absent instead of being undefined. Cheaper than `defined` of the model. */
export function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: Value }
}
