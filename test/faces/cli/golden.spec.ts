import assert from 'node:assert/strict'
import { checkListSchema, clusterSchema, functionListSchema, peerListSchema, statsSchema } from '../../../src/model/rest.ts'
import { explanationSchema, invocationListSchema } from '../../../src/model/rest-invocations.ts'
import { alertListSchema, statsHistorySchema } from '../../../src/model/rest-telemetry.ts'
import { problem } from '../fake-api.ts'
import { assertGolden } from '../golden.ts'
import { CHECKS, startHealthyApi } from '../healthy-api.ts'
import { ALERTS, CLUSTER, EXPLANATION, HISTORY, INVOCATION, INVOCATION_ID, PEER_LIST, STATS, THUMB, UPPER } from '../samples.ts'
import { run } from './run.ts'

/** Each command line as its user sees it: what it prints, where, and how it ends. */
const SCREENS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  peers: [['peers'], ['nodes', '-o', 'name'], ['peers', 'birch']],
  'peers-wide': [['peers', '-o', 'wide']],
  status: [['status']],
  stats: [['stats'], ['stats', 'birch']],
  'stats-since': [['stats', '--since', '3m']],
  alerts: [['alerts'], ['alerts', '--recent'], ['alerts', '--rules'], ['alerts', '-o', 'name']],
  functions: [['functions'], ['list', '-o', 'name'], ['functions', 'thumb']],
  upload: [['upload', 'acme/thumb:1.4']],
  remove: [
    ['remove', 'thumb', '--yes'],
    ['remove', 'thumb']
  ],
  explain: [
    ['explain', INVOCATION_ID],
    ['explain', 'thumb'],
    ['explain', 't-1', '--why-not', 'atlas']
  ],
  logs: [
    ['logs', INVOCATION_ID],
    ['logs', 'thumb']
  ],
  events: [['events']],
  id: [['id']],
  drain: [
    ['drain', 'birch'],
    ['resume', 'birch']
  ],
  strategy: [
    ['strategy'],
    ['strategy', 'greedy'],
    ['strategy', 'cost', '--objective', 'cheap', '--json'],
    ['strategy', '--reset'],
    ['strategy', 'gredy'],
    ['strategy', '--objective', 'cheap']
  ],
  leave: [
    ['leave', '-y'],
    ['leave', 'birch', '--yes'],
    ['leave', 'birch', '--yes', '--force', '--json'],
    ['leave', 'cedar', '--yes'],
    ['leave', '--force']
  ],
  prune: [['prune']],
  cancel: [['cancel', INVOCATION_ID]],
  'not-found': [
    ['functions', 'thmb'],
    ['peers', 'brich'],
    ['explain', 'thumb', '--why-not', 'elmm'],
    ['functions', 'thmb', '--json']
  ]
}

describe('cares, its screens', () => {
  for (const [name, lines] of Object.entries(SCREENS)) {
    it(`shows ${name} as it is drawn in test/golden/cli/${name}.txt`, async () => {
      await using api = await startHealthyApi()
      api.answer(
        'GET /v1/functions/thmb',
        problem('not_found', 'no function named thmb', 404, { hint: 'a hint that the closest name makes needless' })
      )
      api.answer('GET /v1/peers/brich', problem('not_found', 'no peer named brich', 404))
      if (name === 'not-found') api.answer(`GET /v1/invocations/${INVOCATION_ID}/explain`, problem('not_found', 'no peer named elmm', 404))
      let screen = ''
      for (const argv of lines) {
        const { code, stdout, stderr } = await run(argv, { api: api.url, tty: argv[0] !== 'remove' })
        screen += `$ cares ${argv.join(' ')}\n${stdout}${stderr.replace(/^(?=.)/gm, '2> ')}exit ${code}\n\n`
      }
      assertGolden(name, screen)
      // Lines that hold ids may be longer: an id that is cut cannot be pasted.
      if (!name.endsWith('-wide')) {
        const wide = screen
          .split('\n')
          .filter(line => line.length > 80 && !/^(\$|2>|.*(12D3KooW|sha256:|i-[0-9a-z]{26}|memory: needs))/.test(line))
        assert.deepEqual(wide, [], 'wider than 80 columns')
      }
    })
  }

  it('is drawn from answers that the API may give', async () => {
    const schemas = [
      [peerListSchema, PEER_LIST],
      [clusterSchema, CLUSTER],
      [statsSchema, STATS],
      [statsHistorySchema, HISTORY],
      [alertListSchema, ALERTS],
      [functionListSchema, { items: [THUMB, UPPER] }],
      [invocationListSchema, { items: [INVOCATION], missing: [] }],
      [explanationSchema, EXPLANATION],
      [checkListSchema, CHECKS]
    ] as const
    for (const [schema, value] of schemas) assert.deepEqual(schema.safeParse(value).error, undefined)
  })
})
