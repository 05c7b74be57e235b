import { COST_KEYS, type CostKey } from '../../../model/costs.ts'
import { CaresError } from '../../../model/errors.ts'
import { costsTable } from '../../economy-view.ts'
import { defineCommand } from '../command.ts'
import { write } from '../output.ts'

interface CostsOptions {
  by?: readonly CostKey[]
  csv?: true
}

export const costs = defineCommand<CostsOptions>({
  options: [
    { flags: '--by <KEYS>', description: `what to tell apart: ${COST_KEYS.join(',')}`, defaultText: 'function', parse: parseKeys },
    { flags: '--csv', description: 'as comma-separated values, for a spreadsheet' }
  ],
  description:
    'Counted since each peer started: calls where they came in, tasks where they ended. A caller is what the header x-cares-caller said, or cares run --caller. REGRET is by how much the best other peer was expected to be quicker, a call that succeeded.',
  examples: [
    { comment: 'What each function has cost', command: 'cares costs' },
    { comment: 'Who has caused it, and where it ran', command: 'cares costs --by caller,peer -o wide' },
    { comment: 'All of it, for a spreadsheet', command: 'cares costs --by function,caller,peer --csv > costs.csv' }
  ],
  async run({ options, client, terminal, note, signal }) {
    const by = options.by ?? ['function']
    if (options.csv === true) {
      await write(terminal.stdout, await client.costsCsv({ by, signal }))
      return { kind: 'written' }
    }
    const list = await client.costs({ by, signal })
    if (list.missing > 0) note(`${list.missing} of ${list.peers + list.missing} peers could not be asked`)
    return {
      kind: 'list',
      data: list,
      table: costsTable(list),
      names: list.items.map(item => by.map(key => item[key] || '-').join(' ')),
      empty: 'no call and no task has ended yet; make one: cares invoke NAME'
    }
  }
})

function parseKeys(text: string): readonly CostKey[] {
  return text.split(',').map(word => {
    const key = COST_KEYS.find(each => each === word)
    if (key === undefined) throw new CaresError('invalid', `not one of ${COST_KEYS.join(', ')}: ${JSON.stringify(word)}`)
    return key
  })
}
