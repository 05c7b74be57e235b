import { alertsTable, rulesTable } from '../../alert-view.ts'
import { defineCommand, type Result } from '../command.ts'
import { wallClockMs } from '../poll.ts'

export const alerts = defineCommand<{ rules?: true; recent?: true }>({
  options: [
    { flags: '--rules', description: 'what is looked for, and from which value on it is told' },
    { flags: '--recent', description: 'what is over, the last 100' }
  ],
  description: [
    'What is wrong in the cluster, as the peer that is asked sees it. Thresholds are settings of each peer (cares peer --alert RULE=VALUE),',
    'and so is who is told (--alert-webhook URL).'
  ].join('\n'),
  examples: [
    { comment: 'What is wrong now', command: 'cares alerts' },
    { comment: 'Be told as it happens', command: 'cares events -f --type alert' },
    { comment: 'For a program: empty when all is well', command: 'cares alerts -o name' }
  ],
  async run({ options, client, clock, signal }): Promise<Result> {
    const all = await client.alerts({ signal })
    if (options.rules === true) {
      return { kind: 'list', data: { items: all.rules }, table: rulesTable(all.rules), names: all.rules.map(({ name }) => name), empty: '' }
    }
    const items = options.recent === true ? all.recent : all.items
    return {
      kind: 'list',
      data: options.recent === true ? { items } : all,
      table: alertsTable(items, wallClockMs(clock)),
      names: items.map(({ key }) => key),
      empty: options.recent === true ? 'nothing was wrong lately' : 'nothing is wrong'
    }
  }
})
