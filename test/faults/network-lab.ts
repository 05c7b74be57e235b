import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Where one peer lives: a network namespace of its own. */
export interface Place {
  readonly namespace: string
  readonly address: string
  /** Put before a command, to run it there. */
  readonly within: readonly string[]
}

/** A network of the range for measurements (RFC 2544), so that it is nobody's; another one for each run, as one may be left behind. */
const NETWORK = `198.18.${process.pid % 256}.`
/** Interface names have at most 15 characters; the process id keeps two runs apart. */
const TAG = `c${process.pid % 100_000}`
const SWITCH = `${TAG}switch`
const HOST_END = `${TAG}host`

/**
 * Network namespaces of this machine, joined by a bridge that this process reaches as well; links between them can be cut, each way. The
 * bridge has a namespace of its own: on the machine itself the firewall of a container engine would filter what crosses it.
 */
export class NetworkLab {
  readonly places: readonly Place[]

  private constructor(places: readonly Place[]) {
    this.places = places
  }

  /** Undefined where the environment does not allow it: not root, no `ip` or `iptables`. */
  static create(count: number): NetworkLab | undefined {
    const places = Array.from({ length: count }, (_, index): Place => {
      const namespace = `${TAG}n${index}`
      return { namespace, address: `${NETWORK}${index + 2}`, within: ['ip', 'netns', 'exec', namespace] }
    })
    const lab = new NetworkLab(places)
    try {
      run('iptables', '--version')
      removeForsaken()
      run('ip', 'netns', 'add', SWITCH)
      run('ip', '-n', SWITCH, 'link', 'add', 'bridge0', 'type', 'bridge')
      run('ip', '-n', SWITCH, 'link', 'set', 'bridge0', 'up')
      run('ip', 'link', 'add', HOST_END, 'type', 'veth', 'peer', 'name', 'host', 'netns', SWITCH)
      run('ip', '-n', SWITCH, 'link', 'set', 'host', 'master', 'bridge0', 'up')
      run('ip', 'address', 'add', `${NETWORK}1/24`, 'dev', HOST_END)
      run('ip', 'link', 'set', HOST_END, 'up')
      for (const [index, { namespace, address }] of places.entries()) {
        run('ip', 'netns', 'add', namespace)
        run('ip', '-n', SWITCH, 'link', 'add', `port${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
        run('ip', '-n', SWITCH, 'link', 'set', `port${index}`, 'master', 'bridge0', 'up')
        run('ip', '-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
        run('ip', '-n', namespace, 'link', 'set', 'eth0', 'up')
        run('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
        run('ip', 'netns', 'exec', namespace, 'iptables', '-L', '-n')
      }
      return lab
    } catch {
      lab.remove()
      return undefined
    }
  }

  /** Nothing passes between this place and the others. This process still reaches it. */
  isolate(index: number): void {
    this.mute(index)
    this.deafen(index)
  }

  /** The others no longer hear this place. */
  mute(index: number): void {
    for (const other of this.#others(index)) this.#drop(index, 'OUTPUT', '-d', other.address)
  }

  /** This place no longer hears the others. */
  deafen(index: number): void {
    for (const other of this.#others(index)) this.#drop(index, 'INPUT', '-s', other.address)
  }

  /** The second place no longer hears the first; both hear, and are heard by, all others. */
  cut(from: number, to: number): void {
    this.#drop(from, 'OUTPUT', '-d', this.places[to]?.address ?? '')
  }

  heal(): void {
    for (const { namespace } of this.places) run('ip', 'netns', 'exec', namespace, 'iptables', '-F')
  }

  remove(): void {
    // Namespaces take their ends of the links with them. What was never made cannot be removed.
    for (const { namespace } of this.places) attempt('ip', 'netns', 'delete', namespace)
    attempt('ip', 'netns', 'delete', SWITCH)
    attempt('ip', 'link', 'delete', HOST_END)
  }

  #others(index: number): readonly Place[] {
    return this.places.filter((_, other) => other !== index)
  }

  #drop(index: number, chain: 'INPUT' | 'OUTPUT', side: '-s' | '-d', address: string): void {
    run('ip', 'netns', 'exec', this.places[index]?.namespace ?? '', 'iptables', '-A', chain, side, address, '-j', 'DROP')
  }
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'pipe' })
}

function attempt(program: string, ...args: readonly string[]): void {
  try {
    run(program, ...args)
  } catch {
    // As it should be: it is not there.
  }
}

/** Removes the namespaces of runs that were killed before they could; with them go their interfaces and what routes lead there. */
function removeForsaken(): void {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).match(/^c\d+(?:switch|n\d+)/gm) ?? []
  for (const name of names) if (!existsSync(`/proc/${/\d+/.exec(name)?.[0]}`)) run('ip', 'netns', 'delete', name)
}
