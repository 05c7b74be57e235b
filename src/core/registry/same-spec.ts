import type { FunctionSpec, PlacementPolicy } from '../../model/function.ts'

/** Every field of a spec, so that a field added to the model and forgotten here does not compile. */
const FIELDS: Readonly<Record<keyof FunctionSpec, true>> = {
  name: true,
  image: true,
  contract: true,
  port: true,
  readyPath: true,
  cpus: true,
  memoryBytes: true,
  timeoutMs: true,
  concurrency: true,
  gpus: true,
  prewarm: true,
  idempotent: true,
  env: true,
  network: true,
  placement: true
}

/** Whether two specs ask for the same. The order of environment variables does not count, nor whether an absent field is `undefined`. */
export function sameSpec(a: FunctionSpec, b: FunctionSpec): boolean {
  for (const field in FIELDS) {
    if (field === 'env' || field === 'placement') continue
    if (a[field as keyof FunctionSpec] !== b[field as keyof FunctionSpec]) return false
  }
  if (!samePlacement(a.placement ?? {}, b.placement ?? {})) return false
  const names = Object.keys(a.env)
  return names.length === Object.keys(b.env).length && names.every(name => Object.hasOwn(b.env, name) && a.env[name] === b.env[name])
}

function samePlacement(a: PlacementPolicy, b: PlacementPolicy): boolean {
  const [wantedA, wantedB] = [a.require ?? [], b.require ?? []]
  return (
    a.strategy === b.strategy &&
    a.objective === b.objective &&
    a.maxCostUsd === b.maxCostUsd &&
    wantedA.length === wantedB.length &&
    wantedA.every((constraint, at) => constraint === wantedB[at])
  )
}
