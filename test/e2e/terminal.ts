import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '../support/eventually.ts'

const LAUNCHER = fileURLToPath(new URL('../../src/cares.js', import.meta.url))
const run = promisify(execFile)

/** A terminal in tmux, with `cares` in it and a shell behind it. */
export class TestTerminal {
  /** Each has a tmux server of its own: no test sees, or ends, what is not its own. */
  readonly #socket: string

  private constructor(socket: string) {
    this.#socket = socket
  }

  /** Whether this machine has tmux. */
  static async isPossible(): Promise<boolean> {
    return await run('tmux', ['-V']).then(
      () => true,
      () => false
    )
  }

  /** Opens bare `cares`, or another command; when it has ended, the terminal says `ended with CODE`. */
  static async open({
    name,
    env,
    command = `'${process.execPath}' '${LAUNCHER}'`,
    columns = 80,
    rows = 24,
    ground
  }: {
    name: string
    env: Readonly<Record<string, string>>
    command?: string
    columns?: number
    rows?: number
    /** The colour behind the text, such as `#ffffff`. */
    ground?: string
  }): Promise<TestTerminal> {
    const terminal = new TestTerminal(`cares-${process.pid}-${name}`)
    const variables = Object.entries({ LC_ALL: 'C.UTF-8', ...env }).map(([key, value]) => `${key}='${value}'`)
    const line = `env -u NO_COLOR -u FORCE_COLOR ${variables.join(' ')} ${command}; echo "ended with $?"; exec cat`
    const style = ground === undefined ? [] : ['set-option', '-g', 'window-style', `bg=${ground}`, ';']
    await terminal.#tmux(
      '-f',
      '/dev/null',
      'start-server',
      ';',
      ...style,
      'new-session',
      '-d',
      '-x',
      String(columns),
      '-y',
      String(rows),
      line
    )
    return terminal
  }

  /** What stands on the screen; with `escapes`, its colours, too. */
  async screen({ escapes = false } = {}): Promise<string> {
    return await this.#tmux('capture-pane', '-p', ...(escapes ? ['-e'] : []))
  }

  /** Waits until the screen shows a text. Rejects with what it shows instead. */
  async shows(pattern: RegExp): Promise<string> {
    let last = ''
    return await eventually(
      `the screen shows ${pattern}`,
      async () => {
        last = await this.screen()
        return pattern.test(last) ? last : undefined
      },
      { withinMs: 30_000, onFailure: () => last }
    )
  }

  /** Types a text, letter by letter. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', '--', text)
  }

  /** Presses keys by their names in tmux: `Enter`, `Escape`, `Tab`, `C-c`. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#tmux('send-keys', key)
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** Process id of `cares`. */
  async pid(): Promise<number> {
    const shell = (await this.#tmux('list-panes', '-F', '#{pane_pid}')).trim()
    const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', shell])
    return Number(stdout.trim())
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => {
      // It has ended by itself.
    })
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-L', this.#socket, ...args])
    return stdout
  }
}
