import { isAbsolute, join, resolve } from 'node:path'
import { closest } from '../model/closest.ts'
import { CaresError } from '../model/errors.ts'
import { type ConfigFile, parseConfigFile } from './config-file.ts'
import type { Environment, Setting, Settings, Values } from './setting.ts'
import { issueText, validationIssues } from '../model/validation.ts'

/** Flags that the user wrote, by their name in camel case, as commander has them: text, lists of text, booleans. Other keys do no harm. */
export type Flags = Readonly<Record<string, unknown>>

/** Where settings come from, besides the flags. */
export interface ConfigSources {
  readonly env: Environment
  readonly cwd: string
  /** Throws when there is none. */
  readonly home: () => string
  /** The text of a file. Throws what `node:fs` throws. */
  readonly readFile: (path: string) => string
}

/** Where one value came from. */
export interface Origin {
  readonly name: string
  /** As the user would write it; secrets are hidden. */
  readonly value: string
  /** `flag --data`, `env CARES_CPUS`, `./cares.yaml:4` or `default`. */
  readonly from: string
}

/** A value as a source has it. */
interface Found {
  readonly value: unknown
  readonly from: string
  /** The start of an error message about it. */
  readonly at: string
  /** Relative paths start here. */
  readonly directory: string
  /** Position of its source in the order of precedence: 0 flag, 1 environment, 2 and up files. */
  readonly rank: number
}

/** Settings that have been read. */
export interface Resolved<Of extends Settings> {
  readonly values: Values<Of>
  readonly origins: readonly Origin[]
  /** `flag --data`, …, `default`. */
  readonly from: (name: keyof Of) => string
  /** Lower is stronger; default: Infinity. */
  readonly rank: (name: keyof Of) => number
}

/**
 * Reads `settings`: from flags, else environment, else the `--config` file, else `./cares.yaml`, else the user's own file, else the default.
 * The files may hold any of the `known` settings. Throws `invalid` for the first value that is not allowed, naming where it stands.
 */
export function resolveSettings<Of extends Settings>(settings: Of, known: Settings, flags: Flags, sources: ConfigSources): Resolved<Of> {
  const files = configFiles(known, flags, sources)
  const values: Record<string, unknown> = {}
  const found: Record<string, Found | undefined> = {}
  for (const setting of Object.values(settings)) {
    const raw = fromFlags(setting, flags, sources) ?? fromEnvironment(setting, sources) ?? fromFiles(setting, files)
    found[setting.name] = raw
    values[setting.name] = raw === undefined ? setting.fallback : parseValue(setting, raw, sources)
  }
  return {
    values: values as Values<Of>,
    origins: Object.values(settings).map(setting => ({
      name: setting.name,
      value: setting.isSecret && found[setting.name] !== undefined ? '(hidden)' : valueText(setting, found[setting.name]?.value),
      from: found[setting.name]?.from ?? 'default'
    })),
    from: name => found[String(name)]?.from ?? 'default',
    rank: name => found[String(name)]?.rank ?? Number.POSITIVE_INFINITY
  }
}

/** Variables that look like a setting and are none: `CARES_BOOTSTAP is not a setting; did you mean CARES_BOOTSTRAP?` */
export function misspelledVariables(known: Settings, env: Environment): readonly string[] {
  const names = new Set(['CARES_CONFIG', ...Object.values(known).map(({ env }) => env)])
  return Object.keys(env).flatMap(name => {
    // Orchestrators set CARES_SERVICE_HOST and the like for a service of that name: only what is near a setting is worth a word.
    const meant = name.startsWith('CARES_') && !names.has(name) && env[name] !== '' ? closest(name, names) : undefined
    return meant === undefined ? [] : [`${name} is not a setting; did you mean ${meant}?`]
  })
}

function configFiles(known: Settings, flags: Flags, sources: ConfigSources): readonly ConfigFile[] {
  const { env, cwd } = sources
  const named = typeof flags['config'] === 'string' ? flags['config'] : env['CARES_CONFIG']
  const files: (ConfigFile | undefined)[] = []
  if (named !== undefined && named !== '') {
    const path = resolve(cwd, named)
    files.push(readConfigFile(path, named, known, sources, { required: true }))
  }
  files.push(readConfigFile(join(cwd, 'cares.yaml'), './cares.yaml', known, sources, { required: false }))
  const user = userDirectory('XDG_CONFIG_HOME', '.config', sources)
  if (user !== undefined) {
    const path = join(user, 'cares', 'config.yaml')
    files.push(readConfigFile(path, path, known, sources, { required: false }))
  }
  return files.filter(file => file !== undefined)
}

function readConfigFile(
  path: string,
  name: string,
  known: Settings,
  { readFile }: ConfigSources,
  { required }: { required: boolean }
): ConfigFile | undefined {
  let text: string
  try {
    text = readFile(path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (!required && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw new CaresError(
      'invalid',
      `cannot read the configuration file ${name}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause }
    )
  }
  return parseConfigFile(text, { path, name, known })
}

/**
 * A directory of the XDG base directory specification, or its default below the home directory; undefined when there is no home. As that
 * says, a variable that is not an absolute path is ignored.
 */
export function userDirectory(variable: string, fallback: string, { env, home }: ConfigSources): string | undefined {
  const named = env[variable]
  if (named !== undefined && isAbsolute(named)) return named
  try {
    return join(home(), fallback)
  } catch {
    return undefined // A user without an entry in the user database, as containers have them.
  }
}

function fromFlags({ name, flags }: Setting<unknown>, given: Flags, { cwd }: ConfigSources): Found | undefined {
  if (flags === null) return undefined
  const value = given[name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())]
  const isNegative = flags.startsWith('--no-')
  // commander holds a flag that can only be denied for true until it is.
  if (value === undefined || (isNegative && value === true) || (Array.isArray(value) && value.length === 0)) return undefined
  const from = `flag ${isNegative ? '--no-' : '--'}${name}`
  return { value, from, at: from, directory: cwd, rank: 0 }
}

function fromEnvironment(
  { env: variable, repeats, otherEnv, emptyHint }: Setting<unknown>,
  { env, cwd }: ConfigSources
): Found | undefined {
  const own = env[variable]
  if (own === '' && emptyHint !== undefined) throw new CaresError('invalid', `env ${variable} is empty`, { hint: emptyHint })
  const [name, text] = own !== undefined && own !== '' ? [variable, own] : (otherEnv?.(env) ?? [])
  if (name === undefined || text === undefined) return undefined
  const value = repeats
    ? text
        .split(',')
        .map(item => item.trim())
        .filter(item => item !== '')
    : text
  const from = `env ${name}`
  return { value, from, at: from, directory: cwd, rank: 1 }
}

function fromFiles({ name }: Setting<unknown>, files: readonly ConfigFile[]): Found | undefined {
  for (const [i, file] of files.entries()) {
    const entry = file.entries.get(name)
    if (entry === undefined) continue
    const { value, line, column } = entry
    return { value, from: `${file.name}:${line}`, at: `${file.name}:${line}:${column}: ${name}`, directory: file.directory, rank: 2 + i }
  }
  return undefined
}

function parseValue({ schema, isPath, isSecret }: Setting<unknown>, { value, at, directory }: Found, { home }: ConfigSources): unknown {
  const parsed = schema.safeParse(value, { error: issueText })
  if (!parsed.success) {
    const [issue] = validationIssues(parsed.error)
    const [, index] = /^\[(\d+)\]$/.exec(issue?.path ?? '') ?? []
    const wrong: unknown = Array.isArray(value) && index !== undefined ? value[Number(index)] : value
    // Of one thing nobody needs the number, of several it counts from one.
    const place = index === undefined ? issue?.path : Array.isArray(value) && value.length > 1 ? `number ${Number(index) + 1}` : ''
    const where = place === undefined || place === '' ? '' : ` ${place}`
    const what = isSecret || typeof wrong === 'object' ? '' : ` (it is ${withoutSecret(JSON.stringify(wrong))})`
    throw new CaresError('invalid', `${at}:${where} ${issue?.message ?? 'not allowed'}${what}`)
  }
  if (!isPath || typeof parsed.data !== 'string') return parsed.data
  return parsed.data.startsWith('~/') ? join(home(), parsed.data.slice(2)) : resolve(directory, parsed.data)
}

/** A cluster id holds the cluster's secret behind its `#`. */
function withoutSecret(text: string): string {
  return text.replace(/#[^"]+/, '#…')
}

function valueText({ defaultText }: Setting<unknown>, value: unknown): string {
  if (value === undefined) return defaultText
  if (Array.isArray(value)) return value.map(String).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
