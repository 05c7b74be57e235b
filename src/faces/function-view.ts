import type { FunctionItem, PutResultBody } from '../model/rest.ts'
import { formatBytes, formatDurationMs } from '../model/units.ts'
import { policyText } from './policy-text.ts'
import type { Table } from './table.ts'
import { formatAge, keyed } from './text.ts'

/** Every function in a row. */
export function functionsTable(functions: readonly FunctionItem[], nowMs: number): Table {
  return {
    columns: [
      { title: 'NAME' },
      { title: 'CONTRACT' },
      { title: 'REV', align: 'right' },
      { title: 'CPU', align: 'right' },
      { title: 'MEM', align: 'right' },
      { title: 'TIMEOUT', align: 'right' },
      { title: 'IMAGE', shrinks: true },
      { title: 'NETWORK', wide: true },
      { title: 'CALLS', align: 'right', wide: true },
      { title: 'PREWARM', align: 'right', wide: true },
      { title: 'URL', wide: true },
      { title: 'ARCH', wide: true },
      { title: 'DIGEST', wide: true },
      { title: 'AGE', align: 'right' }
    ],
    rows: functions.map(fn => [
      fn.name,
      fn.contract,
      String(fn.revision),
      String(fn.cpus),
      formatBytes(fn.memoryBytes),
      formatDurationMs(fn.timeoutMs),
      fn.image,
      fn.network,
      String(fn.concurrency),
      String(fn.prewarm),
      fn.url,
      fn.arch ?? '-',
      fn.digest,
      formatAge(fn.updatedAt, nowMs)
    ])
  }
}

/** One function on a screen of its own. */
export function functionLines(fn: FunctionItem, nowMs: number): string[] {
  return keyed([
    [fn.name, `revision ${fn.revision}, ${formatAge(fn.updatedAt, nowMs)} ago`],
    ['image', `${fn.image} (${imageText(fn)})`],
    ['digest', fn.digest],
    ['contract', contractText(fn)],
    [
      'limits',
      `cpu ${fn.cpus}, memory ${formatBytes(fn.memoryBytes)},${fn.gpus === undefined ? '' : ` gpus ${fn.gpus},`} timeout ${formatDurationMs(fn.timeoutMs)}`
    ],
    ['calls', `${fn.concurrency} at once in a container${fn.prewarm !== 0 ? `, ${fn.prewarm} prewarmed` : ''}`],
    ['network', fn.network],
    ['placement', placementText(fn)],
    ['retries', fn.idempotent ? 'idempotent: may be run again' : 'only while it has not started'],
    // Values are often secrets; whoever needs them asks for JSON.
    ['env', Object.keys(fn.env).join(' ') || 'none'],
    ['url', fn.url]
  ])
}

/** How workers for its calls are chosen, in words. */
export function placementText({ placement = {} }: FunctionItem): string {
  return policyText(placement) || "the cluster's"
}

/** What `cares upload` says when the function is there. */
export function uploadLines({ result, dryRun, because, function: fn }: PutResultBody): string[] {
  const did = dryRun && result !== 'unchanged' ? `would be ${result}` : result
  return [
    `${fn.name} ${did}  revision ${fn.revision}`,
    ...keyed([
      ['  image', `${fn.image}@${shortDigest(fn.digest)} (${imageText(fn)})`],
      ['  contract', contractText(fn) + evidence(because, fn)],
      ['  url', fn.url],
      ['  try', `cares invoke ${fn.name} -d DATA`]
    ])
  ]
}

/** What differs between two revisions of a function, as the user would write it: `memory 256Mi -> 512Mi`. */
export function functionChanges(before: FunctionItem, after: FunctionItem): string[] {
  const change = (what: string, read: (fn: FunctionItem) => string): string[] =>
    read(before) === read(after) ? [] : [`${what} ${read(before)} -> ${read(after)}`]
  const env = sameEnv(before.env, after.env) ? [] : ['env']
  return [
    ...change('image', fn => fn.image),
    ...change('digest', fn => shortDigest(fn.digest)),
    ...change('contract', contractText),
    ...change('cpu', fn => String(fn.cpus)),
    ...change('memory', fn => formatBytes(fn.memoryBytes)),
    ...change('timeout', fn => formatDurationMs(fn.timeoutMs)),
    ...change('concurrency', fn => String(fn.concurrency)),
    ...change('gpus', fn => String(fn.gpus ?? 0)),
    ...change('prewarm', fn => String(fn.prewarm)),
    ...change('idempotent', fn => String(fn.idempotent)),
    ...change('network', fn => fn.network),
    ...change('placement', placementText),
    ...env
  ]
}

/** Whether two environments set the same, in whatever order. */
function sameEnv(a: FunctionItem['env'], b: FunctionItem['env']): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value)
}

/** Its size, and which machines it is for. */
function imageText({ imageBytes, arch }: FunctionItem): string {
  return arch === undefined ? formatBytes(imageBytes) : `${formatBytes(imageBytes)}, ${arch}`
}

/** How it is called, in words. */
export function contractText({ contract, port, readyPath }: FunctionItem): string {
  return contract === 'stdio' ? 'stdio' : `http, port ${port}${readyPath === undefined ? '' : `, ready at ${readyPath}`}`
}

/** Why the contract was chosen, without saying contract and port twice. */
function evidence(because: string, { contract, port }: FunctionItem): string {
  const reason = because.replace(`${contract}, `, '').replace(`port ${port} from`, 'from')
  return reason === '' ? '' : ` (${reason})`
}

function shortDigest(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{8})[0-9a-f]+$/, '$1')
}
