import { type Document, isMap, isNode, LineCounter, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import type { FunctionRequest } from '../../model/service.ts'
import { CaresError } from '../../model/errors.ts'
import { functionRequestSchema } from '../../model/function-request.ts'
import { parseBytes, parseDurationMs } from '../../model/units.ts'
import { issueText } from '../../model/validation.ts'
import { closest } from '../../model/closest.ts'

/** More functions than a cluster is asked to take in one go. */
const DOCUMENTS_MAX = 1_000

/** The issues that are shown: nobody mends more at once. */
const ISSUES_MAX = 10

/** What a person writes about a function. `parse` turns it into what the API takes. */
const functionFileSchema = z.strictObject({
  apiVersion: z.literal('cares/v1').optional(),
  kind: z.literal('Function').optional(),
  name: z.string(),
  image: z.string(),
  contract: z.enum(['auto', 'stdio', 'http']).optional(),
  http: z.strictObject({ port: z.number().optional(), ready: z.string().optional() }).optional(),
  resources: z
    .strictObject({ cpu: z.number().optional(), memory: amount(parseBytes, 'a size like 256Mi').optional(), gpus: z.number().optional() })
    .optional(),
  timeout: amount(parseDurationMs, 'a duration like 30s').optional(),
  concurrency: z.number().optional(),
  prewarm: z.union([z.number(), z.literal('auto')]).optional(),
  idempotent: z.boolean().optional(),
  env: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  network: z.enum(['none', 'egress']).optional(),
  placement: z
    .strictObject({
      strategy: z.string().optional(),
      objective: z.string().optional(),
      maxCost: z.number().optional(),
      require: z.array(z.string()).optional()
    })
    .optional()
})

/** Where each field of a request stands in the file. */
const FILE_PATHS: Readonly<Record<string, readonly string[]>> = {
  port: ['http', 'port'],
  readyPath: ['http', 'ready'],
  cpus: ['resources', 'cpu'],
  memoryBytes: ['resources', 'memory'],
  timeoutMs: ['timeout'],
  maxCostUsd: ['placement', 'maxCost']
}

/**
 * The functions that a YAML or JSON text describes, one a document. Throws `invalid` that names file, line and column of each mistake; unknown
 * keys are mistakes.
 */
export function parseFunctionFile(text: string, file: string): FunctionRequest[] {
  // A line that begins so ends a document wherever it stands; counting them first spares parsing what is refused.
  if ((text.match(/^---(?=\s|$)/gm)?.length ?? 0) > DOCUMENTS_MAX) throw tooMany(file)
  const lines = new LineCounter()
  // An empty stream gives an array without documents.
  const documents = [...parseAllDocuments(text, { lineCounter: lines, version: '1.2' })]
  if (documents.length > DOCUMENTS_MAX) throw tooMany(file)
  const issues: FileIssue[] = []
  const requests: FunctionRequest[] = []
  for (const document of documents as Document[]) {
    for (const { pos, message } of document.errors) issues.push({ offset: pos[0], message: message.split(/ at line |\n/)[0] ?? message })
    if (document.errors.length > 0 || document.toJS() === null) continue
    const read = readDocument(document)
    if ('issues' in read) issues.push(...read.issues)
    else requests.push(read.request)
  }
  if (issues.length > 0) throw fileError(file, issues, lines)
  return requests
}

/** Every key that a file may hold, for the help: `name, image, http {port, ready}, …`. */
export function functionFileKeys(): string {
  return keysAt([])
    .map(key => {
      const inner = keysAt([key])
      return inner.length === 0 ? key : `${key} {${inner.join(', ')}}`
    })
    .join(', ')
}

interface FileIssue {
  readonly offset: number
  readonly message: string
}

function readDocument(document: Document): { request: FunctionRequest } | { issues: FileIssue[] } {
  const parsed = functionFileSchema.safeParse(document.toJS(), { error: issueText })
  if (!parsed.success) return { issues: parsed.error.issues.flatMap(issue => describe(issue, document, issue.path)) }
  const { name, image, contract, http, resources, timeout, concurrency, prewarm, idempotent, env, network, placement } = parsed.data
  const texts = env === undefined ? undefined : Object.fromEntries(Object.entries(env).map(([key, value]) => [key, String(value)]))
  const fields = {
    name,
    image,
    contract,
    port: http?.port,
    readyPath: http?.ready,
    cpus: resources?.cpu,
    memoryBytes: resources?.memory,
    gpus: resources?.gpus,
    timeoutMs: timeout,
    concurrency,
    prewarm,
    idempotent,
    env: texts,
    network,
    placement: placement === undefined ? undefined : policyOf(placement)
  }
  const request = functionRequestSchema.safeParse(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)), {
    error: issueText
  })
  if (request.success) return { request: request.data }
  return {
    issues: request.error.issues.flatMap(issue => {
      const [first, ...rest] = issue.path
      return describe(issue, document, [...(FILE_PATHS[String(first)] ?? [first ?? '']), ...rest])
    })
  }
}

/** The file's `maxCost` is in US dollars, as money is everywhere. */
function policyOf({ maxCost, ...rest }: { readonly maxCost?: number | undefined }): object {
  return { ...rest, ...(maxCost === undefined ? {} : { maxCostUsd: maxCost }) }
}

function describe(issue: z.core.$ZodIssue, document: Document, path: readonly PropertyKey[]): FileIssue[] {
  if (issue.code !== 'unrecognized_keys')
    return [
      { offset: offsetOf(document, path), message: [path.map(String).join('.'), issue.message].filter(part => part !== '').join(': ') }
    ]
  return issue.keys.map(key => {
    const near = closest(key, keysAt(path))
    const known = near === undefined ? `known here: ${keysAt(path).join(', ')}` : `did you mean ${near}?`
    return { offset: keyOffset(document, path, key), message: `${[...path, key].map(String).join('.')}: unknown key; ${known}` }
  })
}

/** The keys that the schema knows at a place. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = functionFileSchema
  for (const part of path) {
    const shape: Record<string, unknown> = schema instanceof z.ZodObject ? schema.shape : {}
    const next = shape[String(part)]
    schema = next instanceof z.ZodOptional ? next.unwrap() : next
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

/** Of the value at `path`, or of the nearest that exists around it. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

function keyOffset(document: Document, path: readonly PropertyKey[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true)
  const pair = isMap(map) ? map.items.find(item => isNode(item.key) && String(item.key) === key) : undefined
  return isNode(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path)
}

function tooMany(file: string): CaresError {
  return new CaresError('invalid', `${file}: more than ${DOCUMENTS_MAX} documents`, {
    hint: 'split it into several files: -f takes a folder, too'
  })
}

function fileError(file: string, issues: readonly FileIssue[], lines: LineCounter): CaresError {
  const shown = issues.slice(0, ISSUES_MAX).map(({ offset, message }) => {
    const { line, col } = lines.linePos(offset)
    return { path: `${file}:${Math.max(1, line)}:${Math.max(1, col)}`, message }
  })
  const [first] = shown
  return new CaresError('invalid', `${first?.path}: ${first?.message}`, { details: { issues: shown } })
}

function amount(parse: (text: string) => number, what: string) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    try {
      return typeof value === 'number' ? value : parse(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: `${error instanceof CaresError ? error.message : String(error)}; write ${what}` })
      return z.NEVER
    }
  })
}
