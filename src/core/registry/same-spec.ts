import type { FunctionSpec } from '../../model/function.ts'

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
  prewarm: true,
  idempotent: true,
  env: true,
  network: true
}

/** Whether two specs ask for the same. The order of environment variables does not count, nor whether an absent field is `undefined`. */
export function sameSpec(a: FunctionSpec, b: FunctionSpec): boolean {
  for (const field in FIELDS) {
    if (field !== 'env' && a[field as keyof FunctionSpec] !== b[field as keyof FunctionSpec]) return false
  }
  const names = Object.keys(a.env)
  return names.length === Object.keys(b.env).length && names.every(name => Object.hasOwn(b.env, name) && a.env[name] === b.env[name])
}
