import type { FunctionSpec } from '../../model/function.ts'

/** Bytes of a function's environment, names and values, in UTF-8. */
export function envBytes({ env }: FunctionSpec): number {
  let bytes = 0
  for (const [name, value] of Object.entries(env)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}

/** Bytes of all texts of a function that the user chose, in UTF-8: the part of its size that differs much from function to function. */
export function textBytes(spec: FunctionSpec): number {
  const constraints = spec.placement?.require ?? []
  const texts = [spec.name, spec.image, spec.readyPath ?? '', ...constraints]
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), envBytes(spec))
}
