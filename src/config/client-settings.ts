import { type Environment, setting } from './setting.ts'
import { apiUrlSchema, choiceSchema, switchSchema, textSchema } from './value-schemas.ts'

const OUTPUTS = ['table', 'wide', 'json', 'jsonl', 'yaml', 'name'] as const
const COLORS = ['auto', 'always', 'never'] as const

/** Every setting of a client (command line or TUI), by name. */
export const CLIENT_SETTINGS = {
  api: setting('api', {
    flags: '--api <URL>',
    description: 'Ask this peer',
    defaultText: 'http://127.0.0.1:7070',
    schema: apiUrlSchema,
    fallback: 'http://127.0.0.1:7070'
  }),
  'token-file': setting('token-file', {
    flags: '--token-file <FILE>',
    description: 'Read the token for the API from this file',
    defaultText: 'none',
    schema: textSchema.nullable(),
    fallback: null,
    isPath: true
  }),
  token: setting('token', {
    flags: null,
    description: 'The token for the API itself',
    defaultText: 'none',
    schema: textSchema.nullable(),
    fallback: null,
    isSecret: true
  }),
  output: setting('output', {
    flags: '-o, --output <FORMAT>',
    description: 'Print in this format',
    defaultText: 'table',
    choices: OUTPUTS,
    schema: choiceSchema(OUTPUTS),
    fallback: 'table'
  }),
  color: setting('color', {
    flags: '--color <WHEN>',
    description: 'Colour the output',
    defaultText: 'auto: on a terminal, and NO_COLOR is not set',
    choices: COLORS,
    schema: choiceSchema(COLORS),
    fallback: 'auto',
    otherEnv: colorByCustom
  }),
  verbose: setting('verbose', {
    flags: '-v, --verbose',
    description: 'Say more, on stderr',
    defaultText: 'false',
    schema: switchSchema,
    fallback: false
  }),
  quiet: setting('quiet', {
    flags: '-q, --quiet',
    description: 'Say only what was asked for',
    defaultText: 'false',
    schema: switchSchema,
    fallback: false
  }),
  'read-only': setting('read-only', {
    flags: '--read-only',
    description: 'Change nothing: refuse whatever is more than a question',
    defaultText: 'false',
    schema: switchSchema,
    fallback: false
  }),
  'screen-reader': setting('screen-reader', {
    flags: null,
    description: 'Draw the screens in words, for a program that reads them aloud',
    defaultText: 'false',
    schema: switchSchema,
    fallback: false
  })
} as const

/** What other programs agree on: https://no-color.org, https://force-color.org, and terminals that can do nothing. */
function colorByCustom(env: Environment): readonly [name: string, value: string] | undefined {
  if (env['NO_COLOR']) return ['NO_COLOR', 'never']
  if (env['FORCE_COLOR']) return ['FORCE_COLOR', env['FORCE_COLOR'] === '0' ? 'never' : 'always']
  return env['TERM'] === 'dumb' ? ['TERM', 'never'] : undefined
}
