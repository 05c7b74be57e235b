import assert from 'node:assert/strict'
import type { CaresClient } from '../../../src/faces/client.ts'
import { ClusterWatch } from '../../../src/faces/tui/cluster-watch.ts'
import type { EventItem } from '../../../src/model/rest-events.ts'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import { ALERTS, CLUSTER, HISTORY, PEER_LIST, STATS, THUMB } from '../samples.ts'
import { eventually } from '../../support/eventually.ts'
import { EVENTS } from './states.ts'

/** A client whose peer tells events at once, and answers its first question when `peers` resolves. */
function clientThat(peers: Promise<unknown>, asked: string[]): CaresClient {
  const tell = <Answer>(name: string, answer: Answer) => {
    return async (): Promise<Answer> => {
      asked.push(name)
      return await Promise.resolve(answer)
    }
  }
  return {
    api: 'http://127.0.0.1:7070',
    peers: tell('peers', peers),
    cluster: tell('cluster', CLUSTER),
    stats: tell('stats', STATS),
    functions: tell('functions', { items: [THUMB] }),
    invocations: tell('invocations', { items: [], missing: [] }),
    alerts: tell('alerts', ALERTS),
    statsHistory: tell('history', HISTORY),
    events: async function* ({ signal }: { signal: AbortSignal }): AsyncGenerator<EventItem> {
      yield* EVENTS
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    }
  } as unknown as CaresClient
}

describe('the watch of a cluster', () => {
  const open = (peers: Promise<unknown>, asked: string[], invocations: 'often' | 'seldom' | 'never'): ClusterWatch =>
    new ClusterWatch({
      client: clientThat(peers, asked),
      clock: createSystemClock(),
      wantsInvocations: () => invocations,
      wantsCallHistory: () => false,
      wantsTasks: () => false,
      onUnreachable: reason => assert.fail(reason)
    })

  it('gives no event before the first look, which tells the names of the peers, and then all of them', async () => {
    const peers = Promise.withResolvers<unknown>()
    const watch = open(peers.promise, [], 'often')
    try {
      await eventually('all events', () => watch.pending === EVENTS.length)
      assert.deepEqual(watch.take(), { look: undefined, events: [] })
      peers.resolve(PEER_LIST)
      const { look, events } = await eventually('the first look', () => {
        const taken = watch.take()
        return taken.look === undefined ? undefined : { ...taken, look: taken.look }
      })
      assert.deepEqual([look.peers.length, events], [PEER_LIST.items.length, EVENTS])
    } finally {
      watch.stop()
    }
  })

  it('asks for the newest calls as often as they are wanted: at the first look, or not at all', async () => {
    for (const [wanted, isAsked] of [
      ['often', true],
      ['seldom', true],
      ['never', false]
    ] as const) {
      const asked: string[] = []
      const watch = open(Promise.resolve(PEER_LIST), asked, wanted)
      try {
        await eventually('a look', () => watch.take().look)
        assert.equal(asked.includes('invocations'), isAsked, wanted)
      } finally {
        watch.stop()
      }
    }
  })
})
