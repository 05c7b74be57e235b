import { CaresError } from '../../model/errors.ts'
import type { Clock } from '../../model/ports/clock.ts'
import { renderTable, type Table } from '../table.ts'
import type { OptionSpec, Result, StreamItem } from './command.ts'
import { poll } from './poll.ts'

/** What the items of a list can be ordered and picked by. */
export interface ListKeys<Item> {
  /** Words, for `--filter` and `--sort`. */
  readonly words: Readonly<Record<string, (item: Item) => string>>
  /** Amounts, for `--sort`: the largest comes first. */
  readonly amounts: Readonly<Record<string, (item: Item) => number>>
  /** For `--filter label.KEY=VALUE`. */
  readonly labels?: (item: Item) => Readonly<Record<string, string>>
}

/** The flags of {@link listOptions}, parsed. */
export interface ListFlags {
  readonly sort?: string
  readonly reverse?: true
  readonly filter?: readonly Condition[]
}

/** The flags of {@link watchedList}, parsed. */
export interface WatchFlags extends ListFlags {
  readonly watch?: true
}

/** One `--filter`. */
export interface Condition {
  readonly key: string
  /** False: `KEY!=VALUE`. */
  readonly equal: boolean
  readonly value: string
}

/** The flags that order and pick items by `keys`. */
export function listOptions<Item>({ words, amounts, labels }: ListKeys<Item>): readonly OptionSpec[] {
  const keys = [...Object.keys(words), ...(labels === undefined ? [] : ['label.KEY'])]
  return [
    { flags: '--sort <KEY>', description: 'order by this, the largest first', choices: [...Object.keys(words), ...Object.keys(amounts)] },
    { flags: '-r, --reverse', description: 'the other way round' },
    {
      flags: '--filter <K=V>',
      description: `only those where K is V, or with K!=V is not; K: ${keys.join(' ')}; * in V is any text`,
      repeats: true,
      parse: parseCondition
    }
  ]
}

/** The flag that shows a list again and again. */
export const WATCH_OPTION: OptionSpec = { flags: '-w, --watch', description: 'again every second, until interrupted' }

/** The items that fit every condition, in the order asked for; equal ones stay in theirs. Throws `invalid` for a key that does not exist. */
export function listed<Item>(
  items: readonly Item[],
  keys: ListKeys<Item>,
  {
    sort,
    reverse = false,
    filter = []
  }: { sort?: string | undefined; reverse?: boolean | undefined; filter?: ListFlags['filter'] | undefined }
): readonly Item[] {
  const picks = filter.map(condition => fits(condition, keys))
  const picked = items.filter(item => picks.every(pick => pick(item)))
  const direction = reverse ? -1 : 1
  const word = sort === undefined ? undefined : keys.words[sort]
  const amount = sort === undefined ? undefined : keys.amounts[sort]
  if (word !== undefined) return picked.sort((a, b) => direction * compareWords(word(a), word(b)))
  if (amount !== undefined) return picked.sort((a, b) => direction * (amount(b) - amount(a)))
  return reverse ? picked.reverse() : picked
}

/** A list, once or, with `--watch`, every second. */
export async function watchedList<Item>(
  {
    read,
    keys,
    options,
    table,
    nameOf,
    line,
    empty
  }: {
    read: () => Promise<{ readonly items: readonly Item[] }>
    keys: ListKeys<Item>
    options: WatchFlags
    table: (items: readonly Item[]) => Table
    nameOf: (item: Item) => string
    /** One item in a word, for a watch in a pipe. */
    line: (item: Item) => string
    empty: string
  },
  { clock, signal }: { clock: Clock; signal: AbortSignal }
): Promise<Result> {
  const now = async (): Promise<{ readonly items: readonly Item[] }> => {
    const list = await read()
    return { ...list, items: listed(list.items, keys, options) }
  }
  if (options.watch === true) {
    const sample = async (): Promise<StreamItem> => {
      const data = await now()
      return {
        data,
        name: data.items.map(nameOf).join(' '),
        line: data.items.map(line).join(' ') || '-',
        frame: view => renderTable(table(data.items), view)
      }
    }
    return { kind: 'stream', items: poll(sample, { clock, signal }) }
  }
  const data = await now()
  const isFiltered = options.filter !== undefined
  return { kind: 'list', data, table: table(data.items), names: data.items.map(nameOf), empty: isFiltered ? 'none fits the filter' : empty }
}

/** `K=V` or `K!=V`. */
function parseCondition(text: string): Condition {
  const [, key, sign, value] = /^([^=!\s]+)(!?=)(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) throw new CaresError('invalid', `not K=V or K!=V: ${JSON.stringify(text)}`)
  return { key, equal: sign === '=', value }
}

function fits<Item>({ key, equal, value }: Condition, { words, labels }: ListKeys<Item>): (item: Item) => boolean {
  const [, label] = /^label\.(.+)$/.exec(key) ?? []
  const read = label === undefined ? words[key] : labels === undefined ? undefined : (item: Item) => labels(item)[label] ?? ''
  if (read === undefined) {
    const known = [...Object.keys(words), ...(labels === undefined ? [] : ['label.KEY'])]
    throw new CaresError('invalid', `nothing to filter by is called ${key}`, { hint: `filter by ${known.join(', ')}` })
  }
  const pattern = new RegExp(`^${value.split('*').map(literal).join('.*')}$`, 'is')
  return item => pattern.test(read(item)) === equal
}

/** A text as a pattern that means just that. */
function literal(text: string): string {
  return text.replaceAll(/[\\^$.+?()[\]{}|/-]/g, String.raw`\$&`)
}

/** Not by the machine's language: a script must get the same order everywhere. */
function compareWords(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
