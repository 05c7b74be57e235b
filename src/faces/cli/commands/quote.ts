import { stat } from 'node:fs/promises'
import { CaresError } from '../../../model/errors.ts'
import { parseBytes } from '../../../model/units.ts'
import { quoteLines } from '../../economy-view.ts'
import { defineCommand } from '../command.ts'
import { policyFlags, policyOf, type PolicyOptions } from '../policy-flags.ts'

interface QuoteOptions extends PolicyOptions {
  data?: string
  bytes?: number
  params?: string
}

export const quote = defineCommand<QuoteOptions>({
  args: [{ name: 'NAME', description: 'the function', completes: 'function' }],
  options: [
    { flags: '-d, --data <DATA>', description: 'the body that would be sent: text, or @FILE; only its size counts', completes: 'file' },
    { flags: '--bytes <SIZE>', description: 'the size of the body, instead of a body', parse: parseBytes },
    { flags: '--params <TEXT>', description: 'declared parameters, as the header x-cares-params would say them' },
    ...policyFlags('call')
  ],
  description:
    'Nothing is run or reserved. What it rests on is what earlier calls took; the bounds hold for all but about one call in twenty, once it has\nrun a dozen times.',
  examples: [
    { comment: 'What a call with this file would take and cost, and where it would run', command: 'cares quote thumb -d @cat.jpg' },
    { comment: 'The same for a size', command: 'cares quote thumb --bytes 4Mi' },
    { comment: 'Where it would run if money counted above all', command: 'cares quote thumb --objective cheap --require zone=eu' }
  ],
  async run({ args: [name = ''], options, client, signal }) {
    if (options.data !== undefined && options.bytes !== undefined) {
      throw new CaresError('invalid', 'either --data or --bytes says the size, not both')
    }
    const inputBytes = options.bytes ?? (await bytesOf(options.data))
    const found = await client.quote(name, { inputBytes, params: options.params, asked: policyOf(options), signal })
    return { kind: 'item', data: found, names: [found.peer?.name ?? ''], lines: view => quoteLines(found, view) }
  }
})

async function bytesOf(data: string | undefined): Promise<number> {
  if (data === undefined) return 0
  if (!data.startsWith('@')) return Buffer.byteLength(data)
  const file = data.slice(1)
  const found = await stat(file).catch((cause: unknown) => {
    throw new CaresError('invalid', `cannot read ${file}: ${(cause as Error).message}`, { cause })
  })
  if (!found.isFile()) throw new CaresError('invalid', `cannot tell the size of ${file}: it is no file`, { hint: 'say it: --bytes 4Mi' })
  return found.size
}
