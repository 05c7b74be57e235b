import { CaresError, type Json } from '../../model/errors.ts'

/** How a command line says each field of a request; what is listed deeper comes before what holds it. */
const FLAGS: readonly (readonly [field: string, flag: string])[] = [
  ['placement.maxCostUsd', '--max-cost'],
  ['placement.objective', '--objective'],
  ['placement.strategy', '--strategy'],
  ['placement.require', '--require'],
  ['service.publish', '--publish'],
  ['service.port', '--publish'],
  ['service.health', '--health'],
  ['service', '--service'],
  ['image', 'IMAGE'],
  ['args', 'ARGS'],
  ['function', '--function'],
  ['contract', '--contract'],
  ['port', '--port'],
  ['readyPath', '--ready'],
  ['cpus', '--cpu'],
  ['memoryBytes', '--memory'],
  ['gpus', '--gpus'],
  ['timeoutMs', '--timeout'],
  ['attempts', '--attempts'],
  ['concurrency', '--concurrency'],
  ['prewarm', '--prewarm'],
  ['env', '-e'],
  ['network', '--network']
]

/**
 * An error that complains about the fields of a request, in the words of the one who wrote a command line: `--memory: must be at least 6Mi`
 * for `memoryBytes: …`. Any other error stays as it is.
 *
 * @param options.name - where the name is said: `NAME` or `--name`
 * @param options.file - where a field is said that no flag says
 * @param options.isFlag - whether a flag says the field with this path; absent: all are said by flags
 */
export function inFlags(
  error: unknown,
  command: string,
  { name, file, isFlag = () => true }: { name: string; file?: string | undefined; isFlag?: (path: string) => boolean }
): unknown {
  if (!(error instanceof CaresError) || error.code !== 'invalid' || !Array.isArray(error.details['issues'])) return error
  const issues = (error.details['issues'] as readonly { readonly path: string; readonly message: string }[]).map(issue => {
    const said = isFlag(issue.path) ? flagOf(issue.path, name) : undefined
    return { path: said ?? (file === undefined || issue.path === '' ? issue.path : `${file}: ${issue.path}`), message: issue.message }
  })
  const [first] = issues
  if (first === undefined || first.path === '') return error
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  return new CaresError('invalid', `${first.path}: ${first.message}${more}`, {
    hint: error.hint ?? `cares ${command} --help`,
    details: { ...error.details, issues: issues as unknown as Json },
    cause: error
  })
}

/** `-e PORT` for `env.PORT`, `--require` for `placement.require[0]`; undefined for a field that no flag says. */
function flagOf(path: string, name: string): string | undefined {
  if (path === 'name') return name
  const known = FLAGS.find(([field]) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`))
  if (known === undefined) return undefined
  const [field, flag] = known
  return field === 'env' && path.length > field.length ? `${flag} ${path.slice(field.length + 1)}` : flag
}
