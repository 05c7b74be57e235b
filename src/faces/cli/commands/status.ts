import { degradations, statusLines } from '../../view-model.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { wallClockMs } from '../poll.ts'

export const status = defineCommand({
  description:
    'Exits with 0 when the cluster is healthy and with 6 when it is degraded: without an orchestrator, without one of its voters, or with nobody who takes work. Alerts are shown and change nothing of that: see `cares alerts`.',
  examples: [
    { comment: 'How the cluster stands, as the local peer sees it', command: 'cares status' },
    { comment: 'Wait in a script until it is healthy', command: 'until cares status -q >/dev/null; do sleep 1; done' }
  ],
  tellsStale: true,
  async run({ client, clock, signal }) {
    const [cluster, peers, functions, alerts] = await Promise.all([
      client.cluster({ signal }),
      client.peers({ signal }),
      client.functions({ signal }),
      client.alerts({ signal })
    ])
    const problems = degradations(cluster, peers.items)
    return {
      kind: 'item',
      data: {
        healthy: problems.length === 0,
        problems,
        cluster,
        alerts: alerts.items,
        peers: peers.items,
        functions: functions.items.length
      },
      names: [problems.length === 0 ? 'healthy' : 'degraded'],
      lines: view => statusLines(cluster, peers.items, functions.items, alerts.items, wallClockMs(clock), view),
      exitCode: problems.length === 0 ? EXIT.done : EXIT.notPlaced
    }
  }
})
