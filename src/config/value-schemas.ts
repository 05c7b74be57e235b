import { z } from 'zod'
import { ALERT_RULE_NAMES, type AlertThresholds } from '../model/alerts.ts'
import { CaresError } from '../model/errors.ts'
import { parseBytes } from '../model/units.ts'

/*
 * What the values of settings may look like. Flags and variables give text; YAML gives numbers, booleans, lists and maps as well. Each schema
 * takes both, and its messages continue "cpus: …".
 */

/** A text of 1 to 4,096 characters, none of them a control character. */
export const textSchema = z
  .string({ error: 'must be text: put it into quotes' })
  .min(1, 'must not be empty')
  .max(4_096, 'must have at most 4096 characters')
  .regex(/^\P{Cc}*$/u, 'must not contain control characters')

/** One of some words. */
export function choiceSchema<const Word extends string>(words: readonly Word[]): z.ZodType<Word, unknown> {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` })
}

/** A YAML boolean, or one of the words that people write for one. */
export const switchSchema: z.ZodType<boolean, unknown> = z.union(
  [
    z.boolean(),
    z
      .string()
      .toLowerCase()
      .pipe(z.enum(['true', 'yes', 'on', '1', 'false', 'no', 'off', '0']))
      .transform(word => ['true', 'yes', 'on', '1'].includes(word)),
    z.union([z.literal(0), z.literal(1)]).transform(Boolean)
  ],
  { error: 'must be true or false' }
)

/** A number within bounds, as a number or as text. */
export function numberSchema({
  above = -Infinity,
  min = -Infinity,
  max
}: {
  above?: number
  min?: number
  max: number
}): z.ZodType<number, unknown> {
  const range = above === -Infinity ? `from ${min} to ${max}` : `above ${above}, up to ${max}`
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\s*[+-]?(\d+\.?\d*|\.\d+)\s*$/)
          .transform(Number)
      ],
      { error: `must be a number ${range}` }
    )
    .refine(value => value > above && value >= min && value <= max, `must be a number ${range}`)
}

/** A size such as `4Gi`, or a number of bytes. */
export const bytesSchema: z.ZodType<number, unknown> = z
  .union([z.string(), z.number().transform(String)], { error: 'must be a size like 4Gi' })
  .transform((text, context) => readWith(() => parseBytes(text), context))

/** A list, or a single item in its place; at most `max` items. */
export function listSchema<Item>(item: z.ZodType<Item, unknown>, max: number): z.ZodType<readonly Item[], unknown> {
  return z.preprocess(
    value => (Array.isArray(value) ? (value as unknown[]) : [value]),
    z.array(item).max(max, `must have at most ${max} items`)
  )
}

/** Where a server listens. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `HOST:PORT`, with an IPv6 address in brackets; `:PORT` and `PORT` alone mean the loopback. Port 0 takes any that is free. */
export const hostPortSchema: z.ZodType<HostPort, unknown> = z
  .union([z.string(), z.int().transform(String)], { error: 'must be HOST:PORT' })
  .transform((text, context): HostPort => {
    const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*)):)?(\d{1,5})$/.exec(text.trim())
    const port = Number(match?.[3])
    if (match === null || port > 65_535) {
      context.issues.push({
        code: 'custom',
        message: `must be HOST:PORT with a port up to 65535, not ${JSON.stringify(text)}`,
        input: text
      })
      return z.NEVER
    }
    return { host: match[1] ?? (match[2] || '127.0.0.1'), port }
  })

/** The name of a host, in lower case. */
export const hostNameSchema = textSchema
  .max(253, 'must have at most 253 characters')
  .toLowerCase()
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a host name like peer.example, without a port')

/** A multiaddr by its looks; whether its protocols are supported shows when it is used. */
export const multiaddrSchema = textSchema.regex(
  /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr|memory)\/[^/\s#]+(\/[^/\s#]+)*$/,
  'must be a multiaddr like /ip4/10.0.0.5/tcp/4001'
)

/** A cluster id: a multiaddr, and for a private cluster `#` and its secret. */
export const clusterIdSchema = textSchema.regex(
  /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr|memory)\/[^/\s#]+(\/[^/\s#]+)*(#\S+)?$/,
  'must be a cluster id, as "cares id" prints it: /ip4/10.0.0.5/tcp/4001/p2p/12D3…'
)

const LABELS_MAX = 64
const labelKey = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/, 'must be 1 to 63 letters, digits and any of . _ / - between them')
const labelValue = z
  .string()
  .max(63, 'a value has at most 63 characters')
  .regex(/^\P{Cc}*$/u, 'a value has no control characters')
const labelsRecord = z
  .record(labelKey, labelValue)
  .refine(labels => Object.keys(labels).length <= LABELS_MAX, `at most ${LABELS_MAX} labels`)

/** Labels: a list of `key=value`, or in YAML a map. */
export const labelsSchema: z.ZodType<Readonly<Record<string, string>>, unknown> = z.preprocess(pairsOf, labelsRecord)

/** A list of `key=value`, or in YAML a map, as a record. What is neither is an issue. */
function pairsOf(
  value: unknown,
  { issues }: { readonly issues: { push(issue: { code: 'custom'; message: string; input: unknown }): unknown } }
): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]))
  const pairs = (Array.isArray(value) ? (value as unknown[]) : [value]).map(pair => /^([^=]+)=(.*)$/s.exec(String(pair)))
  if (pairs.includes(null)) issues.push({ code: 'custom', message: 'must be key=value', input: value })
  return Object.fromEntries(pairs.flatMap(pair => (pair === null ? [] : [[pair[1], pair[2]]])))
}

/** Thresholds of alerts: `RULE=NUMBER` or `RULE=off`, as a list, or in YAML a map. */
export const alertsSchema: z.ZodType<AlertThresholds, unknown> = z.preprocess(
  pairsOf,
  z.partialRecord(
    z.enum(ALERT_RULE_NAMES, { error: `must be one of ${ALERT_RULE_NAMES.join(', ')}` }),
    z.union([z.literal('off'), numberSchema({ above: 0, max: 1e9 })], { error: 'must be a number above 0, or off' })
  )
)

/** An `http` or `https` URL. */
export const urlSchema: z.ZodType<string, unknown> = textSchema.refine(
  text => ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? ''),
  'must be a URL like http://10.0.0.5:4318'
)

/** The URL of a PostgreSQL database. No password: arguments, files and `cares doctor` show it. */
export const postgresUrlSchema: z.ZodType<string, unknown> = textSchema
  .refine(
    text => ['postgres:', 'postgresql:'].includes(URL.parse(text)?.protocol ?? ''),
    'must be a URL like postgres://cares@10.0.0.5/cares'
  )
  .refine(text => (URL.parse(text)?.password ?? '') === '', 'must hold no password: set PGPASSWORD, or write it to ~/.pgpass')

/** The URL of a peer's API: `http` or `https`; `HOST:PORT` alone means `http`. Without a slash at its end. */
export const apiUrlSchema: z.ZodType<string, unknown> = textSchema.transform((text, context) => {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    context.issues.push({ code: 'custom', message: 'must be a URL like http://10.0.0.5:7070', input: text })
    return z.NEVER
  }
  return url.href.replace(/\/+$/, '')
})

/** The context of a zod transform, as far as it is used here. */
type IssueContext = Parameters<Parameters<z.ZodString['transform']>[0]>[1]

function readWith<Value>(read: () => Value, context: IssueContext): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CaresError)) throw error
    const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`
    context.issues.push({ code: 'custom', message, input: context.value })
    return z.NEVER
  }
}
