import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { FunctionItem } from '../../../model/rest.ts'
import type { FunctionRequest } from '../../../model/service.ts'
import type { Cell } from '../../table.ts'
import type { CommandContext } from '../command.ts'
import { CaresError, type ErrorCode, toCaresError } from '../../../model/errors.ts'
import { functionChanges } from '../../function-view.ts'
import { defineCommand } from '../command.ts'
import { EXIT, EXIT_BY_ERROR } from '../exit-codes.ts'
import { parseRevision } from '../flags.ts'
import { functionFileKeys, parseFunctionFile } from '../function-file.ts'

/** A file that describes functions is written by hand: a larger one is something else. */
const FILE_BYTES_MAX = 4 * 2 ** 20

/** Functions at once: most of an upload is waiting, for an image to be found and for voters to agree; a peer is left room for its calls. */
const AT_ONCE = 8

interface ApplyOptions {
  file: string
  dryRun?: true
  ifRevision?: number
}

interface Applied {
  readonly name: string
  readonly result: 'created' | 'updated' | 'unchanged' | 'failed'
  readonly revision: number | null
  readonly changes: readonly string[]
  readonly error?: { readonly code: ErrorCode; readonly detail: string; readonly hint?: string | undefined }
}

export const apply = defineCommand<ApplyOptions>({
  options: [
    { flags: '-f, --file <FILE>', description: 'YAML or JSON, a folder of such files, or - for stdin', completes: 'file' },
    { flags: '--dry-run', description: 'only say what would be done' },
    { flags: '--if-revision <N>', description: 'only if the function has this revision; for one function', parse: parseRevision }
  ],
  description: `A file may hold several documents. Applying the same again changes nothing. Keys: ${functionFileKeys()}.`,
  examples: [
    { comment: 'Create or update what a file describes', command: 'cares apply -f function.yaml' },
    { comment: 'See first what a folder of files would change', command: 'cares apply -f functions/ --dry-run' },
    { comment: 'From another program', command: 'kustomize build . | cares apply -f -' }
  ],
  async run(context) {
    const { options, note } = context
    const requests = await readRequests(options.file, context)
    if (options.ifRevision !== undefined && requests.length !== 1) {
      throw new CaresError('invalid', `--if-revision is for one function, and ${options.file} describes ${requests.length}`)
    }
    const before = await functionsBefore(requests, context)
    const items = await inTurns(requests, async request => await applyOne(request, before.get(request.name), context))
    for (const { name, error } of items) {
      if (error !== undefined) note(`cares: ${name}: ${error.detail}${error.hint === undefined ? '' : `\n  try: ${error.hint}`}`)
    }
    const failed = items.find(({ error }) => error !== undefined)?.error
    const exitCode = failed === undefined ? EXIT.done : EXIT_BY_ERROR[failed.code]
    return {
      kind: 'list',
      data: { items },
      names: items.map(({ name }) => name),
      empty: 'nothing applied',
      table: {
        columns: [{ title: 'NAME' }, { title: 'RESULT' }, { title: 'REV', align: 'right' }, { title: 'CHANGES', shrinks: true }],
        rows: items.map(({ name, result, revision, changes }): Cell[] => [
          name,
          result === 'failed'
            ? { text: result, tone: 'bad' }
            : `${options.dryRun === true && result !== 'unchanged' ? 'would-be-' : ''}${result}`,
          revision === null ? '-' : String(revision),
          changes.join(', ')
        ])
      },
      exitCode
    }
  }
})

async function applyOne(
  request: FunctionRequest,
  before: FunctionItem | undefined,
  { options, client, signal, note }: CommandContext<ApplyOptions>
): Promise<Applied> {
  try {
    const put = await client.putFunction(request, { dryRun: options.dryRun, ifRevision: options.ifRevision, signal })
    for (const warning of put.warnings ?? []) note(`warning: ${warning}`)
    const changes = before === undefined || put.result === 'unchanged' ? [] : functionChanges(before, put.function)
    return { name: request.name, result: put.result, revision: put.function.revision, changes }
  } catch (error) {
    const { code, message, hint } = toCaresError(error)
    if (signal.aborted || code === 'peer_unreachable') throw error
    return { name: request.name, result: 'failed', revision: null, changes: [], error: { code, detail: message, hint } }
  }
}

/** The functions as they are, to tell what changes: one is asked for, several are found in the list. */
async function functionsBefore(
  requests: readonly FunctionRequest[],
  { client, signal }: CommandContext<ApplyOptions>
): Promise<ReadonlyMap<string, FunctionItem>> {
  const [only, ...others] = requests
  if (only === undefined || others.length > 0) {
    const { items } = await client.functions({ signal })
    return new Map(items.map(item => [item.name, item]))
  }
  const found = await client.function(only.name, { signal }).catch((error: unknown) => {
    if (error instanceof CaresError && error.code === 'not_found') return undefined
    throw error
  })
  return new Map(found === undefined ? [] : [[found.name, found]])
}

/** Does something with each, several at once, and gives the outcomes in the order of what was given. Begins no other once one has thrown. */
async function inTurns<Item, Outcome>(items: readonly Item[], act: (item: Item) => Promise<Outcome>): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      try {
        outcomes[at] = await act(items[at] as Item)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return outcomes
}

async function readRequests(path: string | undefined, { terminal }: CommandContext<ApplyOptions>): Promise<FunctionRequest[]> {
  if (path === undefined)
    throw new CaresError('invalid', 'what should be applied?', { hint: 'cares apply -f FILE, a folder, or - for stdin' })
  const requests: FunctionRequest[] = []
  if (path === '-') requests.push(...parseFunctionFile(await text(terminal.stdin), 'stdin'))
  else for (const file of await filesAt(path)) requests.push(...parseFunctionFile(await readText(file), file))
  const source = path === '-' ? 'stdin' : path
  if (requests.length === 0) throw new CaresError('invalid', `${source} describes no function`)
  const twice = requests.find((request, at) => requests.findIndex(({ name }) => name === request.name) !== at)
  if (twice !== undefined) throw new CaresError('invalid', `${source} describes ${twice.name} twice`)
  return requests
}

async function filesAt(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const files = (await readdir(path)).filter(file => /\.(ya?ml|json)$/.test(file)).sort()
    return files.map(file => join(path, file))
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function readText(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > FILE_BYTES_MAX) throw new CaresError('too_large', `${file} is too large to describe functions`)
    return await readFile(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(file: string, error: unknown): CaresError {
  if (error instanceof CaresError) return error
  const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message
  return new CaresError('invalid', `cannot read ${file}: ${reason}`, { cause: error })
}
