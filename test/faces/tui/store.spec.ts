import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { render } from 'ink-testing-library'
import { createElement as h } from 'react'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import { CaresClient } from '../../../src/faces/client.ts'
import { nodeFetch } from '../../../src/faces/node-fetch.ts'
import { App } from '../../../src/faces/tui/app.ts'
import type { OwnPeer, TuiEnvironment } from '../../../src/faces/tui/environment.ts'
import { currentView, type TuiState } from '../../../src/faces/tui/state.ts'
import { TuiStore } from '../../../src/faces/tui/store.ts'
import { CaresError } from '../../../src/model/errors.ts'
import { startFakeApi } from '../fake-api.ts'
import { startHealthyApi } from '../healthy-api.ts'
import { CLUSTER, PEERS, samplePeer } from '../samples.ts'
import { MACHINE, SETTINGS } from './states.ts'

interface Fixture {
  readonly store: TuiStore
  readonly calls: string[]
  readonly interrupt: AbortController
  /** The first state of which `claim` holds. */
  readonly until: (claim: (state: TuiState) => boolean) => Promise<TuiState>
  readonly type: (text: string) => void
  readonly key: (name: 'enter' | 'escape' | 'tab' | 'down') => void
}

interface Init {
  readonly api: string
  readonly createPeer?: TuiEnvironment['createPeer']
  readonly runCommand?: TuiEnvironment['runCommand']
}

/** A peer that writes down what is done to it. */
function fakePeer(apiUrl: string, calls: string[], start: () => Promise<void> = async () => {}): OwnPeer & { readonly leave: () => void } {
  const left = Promise.withResolvers<void>()
  return {
    apiUrl,
    left: left.promise,
    leave: left.resolve,
    service: { profile: { id: samplePeer('atlas').id, name: 'atlas' }, cluster: () => CLUSTER } as unknown as OwnPeer['service'],
    start: async () => {
      calls.push('start')
      await start()
    },
    stop: async () => void calls.push('stop')
  }
}

describe('the store of the screens', () => {
  const opened: TuiStore[] = []
  afterEach(() => {
    for (const store of opened.splice(0)) store.stop()
  })

  function open({ api, createPeer, runCommand }: Init): Fixture {
    const clock = createSystemClock()
    const calls: string[] = []
    const interrupt = new AbortController()
    const stdout = Object.assign(new EventEmitter(), {
      columns: 80,
      rows: 24,
      write: (text: string) => void calls.push(`write ${JSON.stringify(text)}`)
    })
    const store = new TuiStore({
      version: '0.1.0',
      stdin: process.stdin,
      stdout: stdout as unknown as NodeJS.WriteStream,
      stderr: process.stderr,
      clock,
      signal: interrupt.signal,
      settings: { ...SETTINGS, api },
      connect: api => new CaresClient({ api, fetch: nodeFetch, timeout: ms => clock.timeout(ms) }),
      runCommand: runCommand ?? (async () => 0),
      createPeer:
        createPeer ??
        (() => {
          throw new Error('not in this test')
        }),
      inspectMachine: async () => MACHINE
    })
    opened.push(store)
    const until = async (claim: (state: TuiState) => boolean): Promise<TuiState> => {
      for (;;) {
        if (claim(store.state())) return store.state()
        await new Promise<void>(resolve => {
          const unsubscribe = store.subscribe(() => {
            unsubscribe()
            resolve()
          })
        })
      }
    }
    const type = (text: string): void => {
      for (const character of text) store.dispatch({ type: 'key', key: { name: 'char', text: character, ctrl: false } })
    }
    const key: Fixture['key'] = name => store.dispatch({ type: 'key', key: { name, text: '', ctrl: false } })
    return { store, calls, interrupt, until, type, key }
  }

  it('attaches to the peer of this machine, shows it and its events, and says when it is lost', async () => {
    await using api = await startHealthyApi()
    api.answer('GET /version', { name: 'cares' })
    const { store, until } = open({ api: api.url })
    store.start()
    const state = await until(({ data }) => data.log.length > 5 && data.functions.length > 0)
    assert.deepEqual([currentView(state).name, state.data.peers.length, state.data.link.state], ['home', PEERS.length, 'live'])
    api.answer('GET /v1/peers', response => void response.destroy())
    const { data } = await until(({ data }) => data.link.state === 'lost')
    assert.match(data.link.state === 'lost' ? data.link.reason : '', /the connection broke/)
    assert.equal(data.peers.length, PEERS.length)
  })

  it('attaches to a peer that asks for a token, and shows that it does', async () => {
    const refusal = { code: 'unauthorized', detail: 'a token is needed' }
    await using api = await startFakeApi()
    for (const route of ['GET /version', 'GET /v1/*'])
      api.answer(route, response => {
        response.writeHead(401, { 'content-type': 'application/problem+json' })
        response.end(JSON.stringify(refusal))
      })
    const { store, until } = open({ api: api.url })
    store.start()
    const { data } = await until(({ data }) => data.link.state === 'lost')
    assert.equal(data.link.state === 'lost' && data.link.reason, 'a token is needed')
  })

  it('starts a peer, attaches to it, and stops it when that is what the user wants', async () => {
    await using api = await startHealthyApi()
    const calls: string[] = []
    const { store, until, key, type } = open({
      api: 'http://127.0.0.1:1',
      createPeer: async (flags, { log }) => {
        calls.push(`create ${JSON.stringify(flags)}`)
        log('it starts')
        return fakePeer(api.url, calls)
      }
    })
    store.start()
    await until(({ machine }) => machine !== null)
    key('enter')
    key('enter')
    const running = await until(({ own, data, ownLog }) => own.state === 'running' && data.link.state === 'live' && ownLog.length > 0)
    assert.deepEqual([running.ownLog, running.data.api], [['it starts'], api.url])
    type('qn')
    assert.deepEqual(await store.ended, { abandons: false })
    assert.deepEqual(calls, [`create ${JSON.stringify({ data: MACHINE.freshData, runtime: 'docker' })}`, 'start', 'stop'])
  })

  it('drains before it stops: no new work, nothing running, and work again when it comes back', async () => {
    await using api = await startHealthyApi()
    const atlas = PEERS[0] ?? samplePeer('atlas')
    let running = 2
    const order: string[] = []
    api.answer(`GET /v1/peers/${atlas.id}`, response => {
      order.push(`running ${running}`)
      response.end(JSON.stringify({ ...atlas, running: running-- }))
    })
    for (const change of ['drain', 'resume'])
      api.answer(`POST /v1/peers/${atlas.id}/${change}`, response => {
        order.push(change)
        response.end('{}')
      })
    const { store, until, key, type } = open({ api: 'http://127.0.0.1:1', createPeer: async () => fakePeer(api.url, order) })
    store.start()
    await until(({ machine }) => machine !== null)
    key('enter')
    key('enter')
    await until(({ own, data }) => own.state === 'running' && data.link.state === 'live')
    type('qd')
    await store.ended
    assert.deepEqual(order, ['start', 'drain', 'running 2', 'running 1', 'running 0', 'resume', 'stop'])
  })

  it('says in the form why a peer cannot be', async () => {
    const { store, until, key, type } = open({
      api: 'http://127.0.0.1:1',
      createPeer: async () => {
        throw new CaresError('invalid', 'cluster id is not valid', { hint: 'copy the whole line' })
      }
    })
    store.start()
    await until(({ machine }) => machine !== null)
    key('down')
    key('enter')
    type('/ip4/1')
    key('enter')
    const view = currentView(
      await until(state => currentView(state).name === 'form' && state.own.state === 'none' && state.views.length === 2)
    )
    assert.deepEqual(view.name === 'form' && view.form.problem, ['cluster id is not valid', 'try: copy the whole line'])
  })

  it('gives up a start that waits, and stops what had begun', async () => {
    const calls: string[] = []
    const waiting = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const { store, until, key } = open({
      api: 'http://127.0.0.1:1',
      createPeer: async () => {
        const peer = fakePeer('', calls, async () => {
          begun.resolve()
          await waiting.promise
        })
        return { ...peer, stop: async () => (calls.push('stop'), waiting.reject(new CaresError('stopping', 'stopped'))) }
      }
    })
    store.start()
    await until(({ machine }) => machine !== null)
    key('enter')
    key('enter')
    await begun.promise
    key('escape')
    const state = await until(({ own }) => own.state === 'none')
    assert.equal(currentView(state).name, 'form')
    assert.ok(calls.includes('stop'))
  })

  it('stops the peer of this process at a signal', async () => {
    await using api = await startHealthyApi()
    const calls: string[] = []
    const { store, until, key, interrupt } = open({ api: 'http://127.0.0.1:1', createPeer: async () => fakePeer(api.url, calls) })
    store.start()
    await until(({ machine }) => machine !== null)
    key('enter')
    key('enter')
    await until(({ own }) => own.state === 'running')
    interrupt.abort()
    assert.deepEqual(await store.ended, { abandons: false })
    assert.deepEqual(calls, ['start', 'stop'])
  })

  it('comes back to the start when the peer has left its cluster', async () => {
    await using api = await startHealthyApi()
    const peer = fakePeer(api.url, [])
    const { store, until, key } = open({ api: 'http://127.0.0.1:1', createPeer: async () => peer })
    store.start()
    await until(({ machine }) => machine !== null)
    key('enter')
    key('enter')
    await until(({ own }) => own.state === 'running')
    peer.leave()
    assert.equal(currentView(await until(({ own }) => own.state === 'none')).name, 'start')
  })

  it('runs commands against the cluster that is shown, and cancels them', async () => {
    await using api = await startHealthyApi()
    api.answer('GET /version', {})
    const { store, until, key, type } = open({
      api: api.url,
      runCommand: async (words, { api, write, signal }) => {
        write(`${words.join(' ')} at ${api}\n`)
        await new Promise(resolve => {
          signal.addEventListener('abort', resolve, { once: true })
        })
        return 130
      }
    })
    store.start()
    await until(({ data }) => data.link.state === 'live')
    type(':events -f')
    key('enter')
    const shown = currentView(await until(state => (currentView(state) as { lines?: readonly string[] }).lines?.length === 1))
    assert.deepEqual(shown.name === 'pager' && shown.lines, [`events -f at ${api.url}`])
    key('escape')
    assert.equal(currentView(store.state()).name, 'home')
  })

  it('draws itself, and takes keys from a terminal', async () => {
    await using api = await startHealthyApi()
    api.answer('GET /version', {})
    const { store, until } = open({ api: api.url })
    store.start()
    const screen = render(h(App, { source: store, palette: 'dark' }))
    try {
      await until(({ data }) => data.link.state === 'live')
      assert.match(screen.lastFrame() ?? '', /orchestrator .*atlas/)
      screen.stdin.write('?')
      await until(state => currentView(state).name === 'help')
      assert.match(screen.lastFrame() ?? '', /Everywhere/)
      screen.stdin.write('q')
      assert.deepEqual(await store.ended, { abandons: false })
    } finally {
      screen.unmount()
    }
  })

  it('copies to the clipboard of the terminal', async () => {
    await using api = await startHealthyApi()
    api.answer('GET /version', {})
    const { store, until, type, calls } = open({ api: api.url })
    store.start()
    await until(({ data }) => data.functions.length > 0)
    type('fc')
    const copied = Buffer.from('http://127.0.0.1:7070/fn/thumb').toString('base64')
    assert.deepEqual(calls, [`write ${JSON.stringify(`\u001B]52;c;${copied}\u0007`)}`])
  })
})
