import type { Expert } from './expert.ts'

/** A fixed part and a part for each byte, see `fitAffine`: for what is read or written once. Goes on where no sample has been. */
export const affine: Expert = ({ affine: { fixed, perByte } }, inputBytes) => fixed + perByte * inputBytes
