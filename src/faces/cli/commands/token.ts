import { randomBytes } from 'node:crypto'
import { CaresError } from '../../../model/errors.ts'
import type { CaresClient } from '../../client.ts'
import { type CommandContext, defineCommand, type Result } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { fingerprint, type NamedToken, parseTokens, readTokenFile, writeTokenFile } from '../token-file.ts'

interface TokenOptions {
  file?: string
}

/** Too many to guess, and short enough for a line: 43 characters. */
const TOKEN_BYTES = 32

/** As many as a peer takes from its file. */
const TOKENS_MAX = 64

const ACTIONS = ['new', 'list', 'remove', 'check'] as const

export const token = defineCommand<TokenOptions>({
  args: [
    {
      name: 'ACTION',
      description: 'new: make one; list: name those of a file; remove: take one out; check: try the one that is in use',
      choices: ACTIONS
    },
    { name: 'NAME', description: 'whose token it is, or, to remove one, the fingerprint that list shows', required: false }
  ],
  options: [{ flags: '--file <FILE>', description: 'the file that a peer reads with --token-file', completes: 'file' }],
  description:
    'Peers read their tokens from a file, one a line, when they start: cares peer --token-file FILE. A client needs one of them: --token-file, or CARES_TOKEN. A token is shown once, when it is made; a list shows fingerprints only.',
  examples: [
    { comment: 'A token for ann, in the file that a peer reads', command: 'cares token new ann --file /etc/cares/tokens' },
    { comment: 'Only print one', command: 'cares token new' },
    { comment: 'Who has one', command: 'cares token list --file /etc/cares/tokens' },
    { comment: 'Does mine open this peer?', command: 'cares token check --token-file ~/.config/cares/token' }
  ],
  async run(context) {
    const [action, name = ''] = context.args
    switch (action) {
      case 'new':
        return await made(name, context)
      case 'list':
        return listed(parseTokens(await readTokenFile(file(context))), file(context))
      case 'remove':
        return await removed(name, file(context))
      default:
        return await checked(context.client, context)
    }
  }
})

function file({ options }: Pick<CommandContext<TokenOptions>, 'options'>): string {
  if (options.file === undefined) throw new CaresError('invalid', 'no file is named', { hint: 'add --file FILE' })
  return options.file
}

async function made(name: string, { options, note }: CommandContext<TokenOptions>): Promise<Result> {
  // It becomes a line of its own in the file.
  if (/\p{Cc}/u.test(name)) throw new CaresError('invalid', 'a name has no control characters')
  const fresh = { name, token: randomBytes(TOKEN_BYTES).toString('base64url') }
  if (options.file !== undefined) {
    const tokens = parseTokens(await readTokenFile(options.file))
    if (name !== '' && tokens.some(each => each.name === name))
      throw new CaresError('conflict', `${options.file} has a token for ${name}`, {
        hint: `cares token remove ${name} --file ${options.file}`
      })
    if (tokens.length >= TOKENS_MAX)
      throw new CaresError('limit_reached', `${options.file} has ${tokens.length} tokens, and a peer takes no more`)
    await writeTokenFile(options.file, [...tokens, fresh])
    note(`written to ${options.file}; peers read it when they start: cares peer --token-file ${options.file}`)
  }
  return { kind: 'item', data: { ...fresh, fingerprint: fingerprint(fresh.token) }, names: [fresh.token], lines: () => [fresh.token] }
}

function listed(tokens: readonly NamedToken[], path: string): Result {
  const items = tokens.map(({ name, token }) => ({ name, fingerprint: fingerprint(token) }))
  return {
    kind: 'list',
    data: { items },
    table: { columns: [{ title: 'NAME' }, { title: 'FINGERPRINT' }], rows: items.map(each => [each.name || '-', each.fingerprint]) },
    names: items.map(each => each.name || each.fingerprint),
    empty: `${path} has no token; make one: cares token new NAME --file ${path}`
  }
}

async function removed(what: string, path: string): Promise<Result> {
  if (what === '') throw new CaresError('invalid', 'which token is not said', { hint: `cares token list --file ${path}` })
  const tokens = parseTokens(await readTokenFile(path))
  const [found, ...others] = tokens.filter(({ name, token }) => name === what || fingerprint(token) === what)
  if (found === undefined)
    throw new CaresError('not_found', `${path} has no token for ${what}`, { hint: `cares token list --file ${path}` })
  if (others.length > 0) throw new CaresError('conflict', `${path} has several tokens for ${what}`, { hint: 'name one by its fingerprint' })
  await writeTokenFile(
    path,
    tokens.filter(each => each !== found)
  )
  const data = { name: found.name, fingerprint: fingerprint(found.token) }
  return {
    kind: 'item',
    data,
    names: [data.name || data.fingerprint],
    lines: () => [`${data.name || data.fingerprint} removed; a peer that runs knows it until it is started again`]
  }
}

async function checked(client: CaresClient, { signal }: Pick<CommandContext<TokenOptions>, 'signal'>): Promise<Result> {
  const { self, secretHidden } = await client.cluster({ signal })
  // To whom a peer tells the secret of its cluster has shown a token, or is on its machine.
  const data = { peer: self.name, api: client.api, trusted: !secretHidden }
  return {
    kind: 'item',
    data,
    names: [self.name],
    lines: () => [
      data.trusted
        ? `${self.name} at ${client.api} takes it, or needs none from this machine`
        : `${self.name} at ${client.api} asks for no token, and was shown none that it knows`
    ],
    exitCode: data.trusted ? EXIT.done : EXIT.refused
  }
}
