import type { z } from 'zod'

/** One setting, as the command line, the help and the documentation need to know it. */
export interface FlagDefinition {
  /** Its key in a configuration file, and, with `--` before it, its flag: `log-level`. */
  readonly name: string
  /** In commander's notation, e.g. `--log-level <LEVEL>`; null for a setting without a flag. */
  readonly flags: string | null
  /** The environment variable that says the same. */
  readonly env: string
  readonly description: string
  /** The default, in words. */
  readonly defaultText: string
  /** May be given several times; separated by commas in the environment, a list in a file. */
  readonly repeats: boolean
  readonly choices?: readonly string[] | undefined
}

/** A setting with all that reading it takes. */
export interface Setting<Value> extends FlagDefinition {
  /** Turns what a flag, a variable or a file says (a text, or what YAML makes of it) into the value. */
  readonly schema: z.ZodType<Value, unknown>
  readonly fallback: Value
  /** The value is a path: relative to the working directory, or to the file that names it; `~/` is the home directory. */
  readonly isPath: boolean
  /** The value must not be shown, nor written into a configuration file. */
  readonly isSecret: boolean
  /** Reads other programs' variables when `env` is not set: the name of the one that decides, and what its value means for this setting. */
  readonly otherEnv: ((env: Environment) => readonly [name: string, value: string] | undefined) | undefined
  /** Elsewhere a variable that is empty is none. Here it is refused with this hint: its default is too different from what somebody meant to say. */
  readonly emptyHint: string | undefined
}

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Settings by name. */
export type Settings = Readonly<Record<string, Setting<unknown>>>

/** The value that each of some settings reads as. */
export type Values<Of extends Settings> = { readonly [Name in keyof Of]: Of[Name] extends Setting<infer Value> ? Value : never }

interface SettingInit<Value> {
  flags?: string | null
  env?: string
  description: string
  defaultText: string
  schema: z.ZodType<Value, unknown>
  fallback: NoInfer<Value>
  repeats?: boolean
  choices?: readonly string[]
  isPath?: boolean
  isSecret?: boolean
  otherEnv?: Setting<Value>['otherEnv']
  emptyHint?: string
}

/** Declares a setting. Its flag is `--name`, its variable `CARES_NAME`, unless it says otherwise. */
export function setting<Value>(name: string, init: SettingInit<Value>): Setting<Value> {
  return {
    flags: `--${name}`,
    env: `CARES_${name.toUpperCase().replaceAll('-', '_')}`,
    repeats: false,
    isPath: false,
    isSecret: false,
    otherEnv: undefined,
    emptyHint: undefined,
    choices: undefined,
    ...init,
    name
  }
}
