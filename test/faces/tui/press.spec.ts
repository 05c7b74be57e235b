import assert from 'node:assert/strict'
import { screenLines } from '../../../src/faces/tui/screen.ts'
import { currentView, type Effect, questionOf, type TuiState } from '../../../src/faces/tui/state.ts'
import { update } from '../../../src/faces/tui/update.ts'
import { INVOCATION_ID } from '../samples.ts'
import { lineText } from './line-text.ts'
import { freshState, MACHINE, press, pressed, NEWEST_CALL, sampleLook, TASKS, watching } from './states.ts'

const home = (): TuiState => watching('atlas')
const start = (machine = MACHINE): TuiState =>
  update(update(freshState(), { type: 'probed', answers: false }).state, { type: 'machine', machine }).state
const asPeer = (state = home()): TuiState => ({ ...state, own: { state: 'running', name: 'atlas' } })
const viewOf = (state: TuiState): string => currentView(state).name
const formOf = (state: TuiState) => {
  const view = currentView(state)
  return view.name === 'form' ? view.form : undefined
}
const runs = (effects: readonly Effect[]): string[] => effects.flatMap(effect => (effect.type === 'run' ? [effect.words.join(' ')] : []))

/** What the screen asks. */
const asksNow = (state: TuiState): string => (state.dialog === null ? '' : questionOf(state.dialog, state))

describe('the tasks', () => {
  const tasks = (): TuiState => {
    const state = press(home(), 't')
    return { ...state, data: { ...state.data, tasks: TASKS } }
  }
  const [first, second] = TASKS.items

  it('are shown, followed and explained by the commands that do so', () => {
    assert.deepEqual(runs(pressed(tasks(), 'down', 'enter').effects), [`tasks ${second?.id}`])
    assert.deepEqual(runs(pressed(tasks(), 'l').effects), [`logs ${first?.id} --follow`])
    assert.deepEqual(runs(pressed(tasks(), 'e').effects), [`explain ${first?.id}`])
  })

  it('are cancelled only when that is meant', () => {
    const asked = press(tasks(), 'x')
    assert.match(asksNow(asked), /Cancel the task nightly\?/)
    assert.deepEqual(pressed(asked, 'esc').effects, [])
    assert.deepEqual(runs(pressed(asked, 'y').effects), [`cancel ${first?.id}`])
  })

  it('are run by a form, of an image with arguments as in a shell', () => {
    const filled = press(tasks(), 'n', 'acme/report', 'tab', "--title 'a b'", 'tab', '@in.csv')
    assert.deepEqual(runs(pressed(filled, 'enter').effects), ['run --input @in.csv -- acme/report --title a b'])
    assert.equal(viewOf(press(filled, 'enter', 'esc')), 'tasks')
  })

  it('are run of a function, too', () => {
    const filled = press(home(), 'n', 'up', 'right', 'tab', 'tab', '-v')
    assert.deepEqual(runs(pressed(filled, 'enter').effects), ['run --function upper -- -v'])
  })

  it('are not run while the form says what is missing', () => {
    const empty = press(tasks(), 'n', 'enter')
    assert.deepEqual(formOf(empty)?.problem, ['Image is needed'])
    const half = press(tasks(), 'n', 'a', 'tab', "'b", 'enter')
    assert.deepEqual([formOf(half)?.problem, formOf(half)?.focus], [["Arguments: a ' has no end"], 2])
    assert.deepEqual(formOf(press(half, "'", 'tab')), { ...formOf(half), ...formOf(press(half, "'", 'tab')), problem: [] })
  })

  it('are left by esc', () => {
    assert.equal(viewOf(press(tasks(), 'esc')), 'home')
  })
})

describe('read-only screens', () => {
  const settings = { ...freshState().settings, readOnly: true }
  const readOnly: TuiState = { ...home(), settings }

  it('refuse the keys that change something, and say why', () => {
    for (const key of ['u', 'i']) {
      const { state, effects } = pressed(readOnly, key)
      assert.deepEqual([viewOf(state), state.notice?.text, effects], ['home', 'read-only: nothing is changed from here', []], key)
    }
    assert.equal(pressed(press(readOnly, 'f'), 'x').state.dialog, null)
    assert.equal(pressed(press(readOnly, 'enter'), 'd').state.dialog, null)
    assert.equal(viewOf(press(readOnly, 'm')), 'monitor')
  })

  it('offer none of these keys, and say so at the top', () => {
    const screen = screenLines(readOnly).map(lineText).join('\n')
    assert.match(screen, /CARES {2}read-only/)
    assert.doesNotMatch(screen, /\[u]|\[i]/)
    assert.match(screen, /\[m] Monitor status/)
  })

  it('start nothing on this machine', () => {
    const { views } = update({ ...freshState(), settings }, { type: 'probed', answers: false }).state
    const first = update({ ...freshState(), settings, views }, { type: 'machine', machine: MACHINE }).state
    assert.match(screenLines(first).map(lineText).join('\n'), /▸ Watch a remote cluster/)
    assert.doesNotMatch(screenLines(first).map(lineText).join('\n'), /Create|Join/)
  })
})

describe('the start', () => {
  it('attaches to a peer of this machine that answers, and else looks at the machine', () => {
    assert.deepEqual(update(freshState(), { type: 'probed', answers: true }).effects, [{ type: 'attach', api: 'http://127.0.0.1:7070' }])
    assert.deepEqual(update(freshState(), { type: 'probed', answers: false }).effects, [{ type: 'inspect-machine' }])
  })

  it('does nothing before it knows the machine', () => {
    assert.equal(viewOf(press(freshState(), 'enter')), 'start')
  })

  it('creates a cluster with what was answered', () => {
    const { state, effects } = pressed(start(), 'enter', 'atlas', 'tab', 'right', 'tab', '2', 'tab', '1Gi', 'tab', 'tab', ' ', 'enter')
    assert.deepEqual(effects, [
      { type: 'start-peer', flags: { name: 'atlas', cpus: '2', memory: '1Gi', data: MACHINE.freshData, runtime: 'process', open: true } }
    ])
    assert.equal(viewOf(state), 'starting')
    const { state: started, effects: then } = update(state, { type: 'peer-started', api: 'http://127.0.0.1:7171', name: 'atlas' })
    assert.deepEqual([viewOf(started), started.own.state], ['home', 'running'])
    assert.deepEqual(then, [{ type: 'attach', api: 'http://127.0.0.1:7171' }])
  })

  it('asks for a cluster id, passes it on, and says in the form what is wrong with it', () => {
    const empty = press(start(), 'down', 'enter', 'enter')
    const view = currentView(empty)
    assert.deepEqual(view.name === 'form' && view.form.problem, ['Cluster id is needed'])
    const { state, effects } = pressed(empty, '/ip4/10.0.0.5/tcp/4001', 'enter')
    assert.deepEqual(effects, [
      { type: 'start-peer', flags: { data: MACHINE.freshData, runtime: 'docker', bootstrap: ['/ip4/10.0.0.5/tcp/4001'] } }
    ])
    const refused = currentView(update(state, { type: 'peer-failed', lines: ['cluster id is not valid', 'try: copy it'] }).state)
    assert.ok(refused.name === 'form')
    assert.deepEqual(refused.form.problem, ['cluster id is not valid', 'try: copy it'])
    assert.equal(refused.form.fields[0]?.value.text, '/ip4/10.0.0.5/tcp/4001')
  })

  it('offers to start the peer of this machine again where there was one', () => {
    const { effects } = pressed(start({ ...MACHINE, knownData: '/data' }), 'enter')
    assert.deepEqual(effects, [{ type: 'start-peer', flags: { data: '/data' } }])
  })

  it('gives up a start by esc', () => {
    const joining = press(start(), 'enter', 'enter')
    assert.deepEqual(pressed(joining, 'esc').effects, [{ type: 'cancel-start' }])
  })

  it('watches a remote cluster by address, and comes back by esc', () => {
    const { state, effects } = pressed(start(), 'down', 'down', 'enter', '10.0.0.7:7070', 'enter')
    assert.deepEqual(effects, [{ type: 'attach', api: 'http://10.0.0.7:7070' }])
    assert.equal(viewOf(state), 'home')
    assert.equal(viewOf(press(state, 'esc')), 'start')
  })

  it('comes back when the peer has left its cluster', () => {
    const { state, effects } = update(asPeer(), { type: 'peer-left' })
    assert.deepEqual([viewOf(state), state.own.state, effects], ['start', 'none', [{ type: 'inspect-machine' }]])
  })
})

describe('quitting', () => {
  it('needs no question where this process is no peer', () => {
    for (const key of ['q', 'ctrl-c']) assert.deepEqual(pressed(home(), key).effects, [{ type: 'quit' }])
  })

  for (const [key, effect] of [
    ['d', { type: 'stop-peer', drain: true }],
    ['n', { type: 'stop-peer', drain: false }]
  ] as const) {
    it(`asks what is to become of the peer of this process: ${key}`, () => {
      const asked = pressed(asPeer(), 'q')
      assert.deepEqual(asked.effects, [])
      assert.match(asksNow(asked.state), /3 executions run here/)
      const { data } = asked.state
      assert.match(asksNow({ ...asked.state, data: { ...data, peers: [] } }), /Nothing runs here/)
      assert.deepEqual(pressed(asked.state, 'q', key).effects, [effect])
    })
  }

  it('lets the user stay, and asks again while the peer stops', () => {
    assert.equal(press(asPeer(), 'ctrl-c', 'esc').dialog, null)
    const stopping = press(asPeer(), 'q', 'd')
    assert.equal(stopping.own.state, 'draining')
    assert.deepEqual(pressed(stopping, 'q', 'n').effects, [{ type: 'quit' }])
  })

  it('gives up a start', () => {
    assert.deepEqual(pressed(press(start(), 'enter', 'enter'), 'q').effects, [{ type: 'cancel-start' }, { type: 'quit' }])
  })
})

describe('at home', () => {
  for (const [key, view] of Object.entries({
    m: 'monitor',
    f: 'functions',
    l: 'log',
    u: 'form',
    i: 'form',
    n: 'form',
    '?': 'help',
    enter: 'peer'
  })) {
    it(`${key} opens ${view}, and esc comes back`, () => {
      const opened = press(home(), key)
      assert.equal(viewOf(opened), view)
      assert.equal(viewOf(press(opened, 'esc')), 'home')
    })
  }

  it('the view follows the role, unless the user has chosen', () => {
    const other = update(home(), { type: 'tick', nowMs: 0, look: sampleLook('birch'), events: [] }).state
    assert.notEqual(pressed(other, 'd').state.dialog, null, 'the view of the machine drains it')
    assert.equal(pressed(home(), 'd').state.dialog, null, 'the view of the cluster does not')
    assert.notEqual(pressed(press(home(), 'v'), 'd').state.dialog, null)
  })

  it('moves among the peers and not beyond them', () => {
    assert.equal(press(home(), ...Array.from({ length: 20 }, () => 'down')).list.peer, 4)
    assert.equal(press(home(), 'up').list.peer, 0)
  })

  it('sorts and reverses', () => {
    const { sort, reversed } = press(home(), 's', 's', 'r').list
    assert.deepEqual([sort, reversed], ['memory', true])
  })

  it('stops the picture and lets it go on', () => {
    const paused = press(home(), 'p')
    const later = update(paused, { type: 'tick', nowMs: 0, look: sampleLook('birch'), events: [] }).state
    assert.equal(later.frozen, paused.data)
    assert.equal(press(later, 'p').frozen, null)
  })

  it('explains the newest call, or the one under the cursor', () => {
    assert.deepEqual(runs(pressed(home(), 'e').effects), [`explain ${NEWEST_CALL}`])
    const marked = press(home(), 'tab', 'home', 'down', 'down', 'down', 'down')
    assert.deepEqual(runs(pressed(marked, 'enter').effects), [`explain ${INVOCATION_ID}`])
  })

  it('says so when there is no call to explain', () => {
    const nothing = { ...home(), data: { ...home().data, log: [] } }
    assert.match(press(nothing, 'e').notice?.text ?? '', /no call to explain yet/)
  })

  it('holds the log still while its cursor is in it, and follows again at the end', () => {
    const marked = press(home(), 'tab', 'up')
    assert.notEqual(marked.list.line, null)
    assert.equal(press(marked, 'down', 'down').list.line, null)
  })

  it('drains a peer only after a question', () => {
    const asked = pressed(press(home(), 'down', 'enter'), 'd')
    assert.deepEqual(runs(asked.effects), [])
    assert.deepEqual(runs(pressed(asked.state, 'y').effects), ['drain birch'])
    assert.deepEqual(runs(pressed(asked.state, 'esc').effects), [])
    // Dogwood drains already.
    assert.deepEqual(runs(pressed(press(home(), 'down', 'down', 'enter'), 'd', 'y').effects), ['resume dogwood'])
  })
})

describe('the filter', () => {
  it('narrows as it is written, stays with enter and goes with esc', () => {
    const typed = press(home(), '/', 'bir')
    assert.equal(typed.list.filter, 'bir')
    assert.equal(press(typed, 'enter').list.filter, 'bir')
    assert.equal(press(typed, 'esc').list.filter, '')
    assert.equal(press(typed, 'enter', 'esc').list.filter, '')
  })
})

describe('the command line', () => {
  it('runs any command, and calls older ones back', () => {
    const first = pressed(home(), ':', 'peers -o wide', 'enter')
    assert.deepEqual(runs(first.effects), ['peers -o wide'])
    const second = pressed(press(first.state, 'esc'), ':', "cares invoke up -d 'a b'", 'enter')
    assert.deepEqual(second.effects[0], { type: 'run', run: 2, words: ['invoke', 'up', '-d', 'a b'] })
    assert.deepEqual(runs(pressed(press(second.state, 'esc'), ':', 'up', 'up', 'enter').effects), ['peers -o wide'])
  })

  it('says what is wrong with a quote, and stays where it is', () => {
    const { state, effects } = pressed(home(), ':', "invoke 'x", 'enter')
    assert.deepEqual([effects, state.notice?.text, viewOf(state)], [[], "a ' has no end", 'home'])
  })

  it('completes: asks once, takes the only answer at once, goes through several', () => {
    const asked = pressed(home(), ':', 'inv', 'tab')
    assert.deepEqual(asked.effects, [{ type: 'complete', words: ['inv'] }])
    const one = update(asked.state, { type: 'completed', candidates: ['invoke'] }).state
    assert.equal(one.prompt?.field.text, 'invoke ')
    const many = update(press(home(), ':', 'invoke t'), { type: 'completed', candidates: ['thumb', 'thumb-2', 'other'] }).state
    assert.equal(many.prompt?.field.text, 'invoke thumb')
    assert.equal(press(many, 'tab').prompt?.field.text, 'invoke thumb-2')
    assert.equal(press(many, 'tab', 'tab').prompt?.field.text, 'invoke thumb')
  })

  it('is left by esc, and by backspace when it is empty', () => {
    assert.equal(press(home(), ':', 'x', 'esc').prompt, null)
    assert.equal(press(home(), ':', 'x', 'backspace', 'backspace').prompt, null)
  })

  it('takes a paste', () => {
    assert.equal(update(press(home(), ':'), { type: 'paste', text: 'peers\n' }).state.prompt?.field.text, 'peers')
  })
})

describe('forms become commands', () => {
  const cases: readonly (readonly [keys: readonly string[], command: string])[] = [
    [['u', 'acme/thumb:1.4', 'enter'], 'upload -- acme/thumb:1.4'],
    [
      ['u', 'cat', 'tab', 'echo', 'tab', 'right', 'tab', '0.5', 'tab', '64Mi', 'tab', ' ', 'enter'],
      'upload --contract stdio --cpu 0.5 --memory 64Mi --idempotent -- cat echo'
    ],
    [['i', 'tab', '-x', 'enter'], 'invoke -v -d -x -- thumb'],
    [['i', 'right', 'tab', 'hi', 'tab', '/a?b', 'tab', 'elm', 'enter'], 'invoke -v -d hi --path /a?b --on elm -- upper'],
    [['f', 'down', 'i', 'enter'], 'invoke -v -- upper'],
    [['f', 'enter'], 'functions thumb'],
    [['f', 'l'], 'logs thumb --follow'],
    [['f', 'x', 'y'], 'remove --yes thumb']
  ]
  for (const [keys, command] of cases) {
    it(`${keys.join(' ')}: ${command}`, () => assert.deepEqual(runs(pressed(home(), ...keys).effects), [command]))
  }

  it('copies the address of a function', () => {
    assert.deepEqual(pressed(home(), 'f', 'c').effects, [{ type: 'copy', text: 'http://127.0.0.1:7070/fn/thumb' }])
  })
})

describe('what a command wrote', () => {
  const uploaded = (): TuiState => {
    const { state } = pressed(home(), 'u', 'cat', 'enter')
    const told = update(state, { type: 'output', run: 1, text: 'cat created  revision 1\n  url   http://127.0.0.1:7070/fn/cat\n' }).state
    return update(told, { type: 'ended', run: 1, exitCode: 0 }).state
  }

  it('offers what can be done with it', () => {
    assert.deepEqual(pressed(uploaded(), 'c').effects, [{ type: 'copy', text: 'http://127.0.0.1:7070/fn/cat' }])
    const form = currentView(press(uploaded(), 'i'))
    assert.ok(form.name === 'form')
    assert.equal(form.form.fields[0]?.value.text, 'cat')
  })

  it('leads from a call to its explanation', () => {
    const { state } = pressed(home(), ':', 'invoke up -v', 'enter')
    const told = update(state, { type: 'output', run: 1, text: `* invocation ${INVOCATION_ID} on birch\n` }).state
    assert.deepEqual(runs(pressed(told, 'e').effects), [`explain ${INVOCATION_ID}`])
  })

  it('is cancelled by esc while it runs, and only left when it has ended', () => {
    assert.deepEqual(pressed(press(home(), ':', 'events -f', 'enter'), 'esc').effects, [{ type: 'cancel-run' }])
    assert.deepEqual(pressed(uploaded(), 'esc').effects, [])
  })

  it('goes to the view that asked for it, and to no other', () => {
    const state = press(home(), ':', 'peers', 'enter')
    assert.equal(update(state, { type: 'output', run: 7, text: 'x\n' }).state.views.length, state.views.length)
    const view = currentView(update(state, { type: 'output', run: 7, text: 'x\n' }).state)
    assert.deepEqual(view.name === 'pager' && view.lines, [])
  })
})
