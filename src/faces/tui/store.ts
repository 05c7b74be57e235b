import type { ScreenSource } from './app.ts'
import type { TuiEnvironment } from './environment.ts'
import { assertNever } from '../../model/errors.ts'
import { isOrchestrator } from './cluster-data.ts'
import { ClusterWatch } from './cluster-watch.ts'
import { OwnPeerRunner } from './own-peer.ts'
import { currentView, type Effect, initialState, type TuiState } from './state.ts'
import { type Input, update } from './update.ts'

/** Between two pictures of what happens by itself; keys are answered at once. People read no faster, and drawing is what costs. */
const PICTURE_INTERVAL_MS = 500

/** With more events between two pictures every second one is left out: nobody reads a hundred lines a second. */
const EVENTS_BUSY = 50

/** Longest that the first look for a peer of this machine takes: a local one answers at once. */
const PROBE_TIMEOUT_MS = 1_500

/** How the screens ended. */
export interface Ending {
  /** A peer of this process was left running: the process must be ended, not waited for. */
  readonly abandons: boolean
}

/** The state of the screens, what changes it, and what it asks of the world. */
export class TuiStore implements ScreenSource {
  readonly #environment: TuiEnvironment
  readonly #listeners = new Set<() => void>()
  readonly #ending = Promise.withResolvers<Ending>()
  readonly #own: OwnPeerRunner
  #state: TuiState
  #watch: ClusterWatch | undefined
  #pictures: Disposable | undefined
  #command = new AbortController()
  #output = ''
  #ownLog: string[] = []
  #leftOut = false

  constructor(environment: TuiEnvironment) {
    this.#environment = environment
    const { settings, version, stdout, clock } = environment
    const size = { columns: stdout.columns, rows: stdout.rows }
    this.#state = initialState({ settings, version, size, nowMs: Date.parse(clock.timestamp()) })
    this.#own = new OwnPeerRunner(environment, {
      onStarted: ({ apiUrl, service }) => this.dispatch({ type: 'peer-started', api: apiUrl, name: service.profile.name }),
      onFailed: lines => this.dispatch({ type: 'peer-failed', lines }),
      onLeft: () => {
        this.#watch?.stop()
        this.#watch = undefined
        this.dispatch({ type: 'peer-left' })
      }
    })
  }

  /** Resolves when the user has quit. */
  get ended(): Promise<Ending> {
    return this.#ending.promise
  }

  readonly state = (): TuiState => this.#state

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  readonly dispatch = (input: Input): void => {
    const { state, effects } = update(this.#state, input)
    if (state !== this.#state) {
      this.#state = state
      for (const onChange of this.#listeners) onChange()
    }
    for (const effect of effects) void this.#carryOut(effect)
  }

  /** Begins to draw, and looks for a peer of this machine. */
  start(): void {
    const { clock, stdout, signal } = this.#environment
    this.#pictures = clock.every(PICTURE_INTERVAL_MS, () => this.#picture())
    stdout.on('resize', this.#resized)
    signal.addEventListener('abort', () => void this.#interrupted(), { once: true })
    void this.#probe()
  }

  /** Ends everything but the peer of this process. */
  stop(): void {
    this.#pictures?.[Symbol.dispose]()
    this.#watch?.stop()
    this.#command.abort()
    this.#environment.stdout.off('resize', this.#resized)
  }

  readonly #resized = (): void => {
    const { columns, rows } = this.#environment.stdout
    this.dispatch({ type: 'resize', size: { columns, rows } })
  }

  #picture(): void {
    const nowMs = this.#nowMs()
    this.#leftOut = !this.#leftOut && (this.#watch?.pending ?? 0) > EVENTS_BUSY
    if (this.#leftOut) return
    this.#flushOutput()
    if (this.#ownLog.length > 0) this.dispatch({ type: 'peer-log', lines: this.#ownLog.splice(0) })
    const { look, events } = this.#watch?.take() ?? { look: undefined, events: [] }
    this.dispatch({ type: 'tick', nowMs, look, events })
  }

  async #probe(): Promise<void> {
    const { connect, clock, settings } = this.#environment
    if (settings.named) return this.dispatch({ type: 'probed', answers: true })
    const answers = await connect(settings.api)
      .version({ signal: clock.timeout(PROBE_TIMEOUT_MS) })
      .then(
        () => true,
        // Whoever refuses for want of a token is a peer, too; its view then says what is missing.
        (error: { code?: string }) => error.code === 'unauthorized'
      )
    this.dispatch({ type: 'probed', answers })
  }

  async #carryOut(effect: Effect): Promise<void> {
    const { inspectMachine, connect, stdout } = this.#environment
    switch (effect.type) {
      case 'attach':
        return this.#attach(effect.api)
      case 'inspect-machine':
        return this.dispatch({ type: 'machine', machine: await inspectMachine() })
      case 'start-peer':
        return await this.#own.start(effect.flags, line => this.#ownLog.push(line))
      case 'cancel-start':
        return await this.#own.cancel()
      case 'stop-peer':
        await this.#own.stop(effect.drain ? connect(this.#state.data.api) : undefined)
        return this.#ending.resolve({ abandons: false })
      case 'run':
        return await this.#run(effect.run, effect.words)
      case 'cancel-run':
        return this.#command.abort()
      case 'complete':
        return await this.#complete(effect.words)
      case 'copy':
        // OSC 52: the terminal, not this machine, holds the clipboard.
        stdout.write(`\u001B]52;c;${Buffer.from(effect.text).toString('base64')}\u0007`)
        return
      case 'quit':
        return this.#ending.resolve({ abandons: this.#own.isThere })
      default:
        return assertNever(effect)
    }
  }

  #attach(api: string): void {
    const { connect, clock } = this.#environment
    this.#watch?.stop()
    this.dispatch({ type: 'attached', api })
    this.#watch = new ClusterWatch({
      client: connect(api),
      clock,
      // A worker tells of its own calls only; that needs no haste.
      wantsInvocations: () => (currentView(this.#state).name === 'monitor' || isOrchestrator(this.#state.data) ? 'often' : 'seldom'),
      wantsCallHistory: () => currentView(this.#state).name === 'monitor',
      wantsTasks: () => currentView(this.#state).name === 'tasks',
      onUnreachable: reason => this.dispatch({ type: 'unreachable', reason, nowMs: this.#nowMs() })
    })
  }

  async #run(run: number, words: readonly string[]): Promise<void> {
    this.#command.abort()
    this.#flushOutput()
    const command = new AbortController()
    this.#command = command
    const { runCommand } = this.#environment
    const { settings, size, data } = this.#state
    const exitCode = await runCommand(words, {
      api: data.api,
      columns: size.columns - 4,
      colour: settings.colour,
      signal: command.signal,
      write: text => {
        if (this.#command === command) this.#output += text
      }
    })
    if (this.#command === command) this.#flushOutput()
    this.dispatch({ type: 'ended', run, exitCode })
  }

  /** What a fast command writes is shown picture by picture. */
  #flushOutput(): void {
    if (this.#output === '') return
    const text = this.#output
    this.#output = ''
    this.dispatch({ type: 'output', run: this.#state.run, text })
  }

  async #complete(words: readonly string[]): Promise<void> {
    const { runCommand, clock } = this.#environment
    let text = ''
    await runCommand(['complete', '--', ...words], {
      api: this.#state.data.api,
      columns: 1_000,
      colour: false,
      signal: clock.timeout(PROBE_TIMEOUT_MS),
      write: piece => {
        text += piece
      }
    })
    const candidates = text.split('\n').map(line => line.split('\t')[0] ?? '')
    this.dispatch({ type: 'completed', candidates: candidates.filter(word => word !== '' && word !== ':file') })
  }

  async #interrupted(): Promise<void> {
    await this.#own.cancel()
    this.#ending.resolve({ abandons: false })
  }

  #nowMs(): number {
    return Date.parse(this.#environment.clock.timestamp())
  }
}
