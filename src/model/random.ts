/** A number from 0 (inclusive) to 1 (exclusive). The same seed gives the same numbers. */
export type Random = () => number

/** A seeded generator: sfc32 (Doty-Humphrey, PractRand), 2^128 states, mixed 12 times so that small seeds differ from the start. */
export function createRandom(seed: number): Random {
  let a = seed >>> 0
  let b = Math.floor(seed / 2 ** 32) >>> 0
  let c = 0x9e3779b9
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 12; i++) next()
  return next
}
