import { connectionChanged, setMembers, setOrchestrator, tick } from '../../../src/core/membership/changes.ts'
import { heard, heardDigest } from '../../../src/core/membership/heard.ts'
import { createView, type MembershipState, type MembershipStep } from '../../../src/core/membership/state.ts'
import { view } from '../../../src/core/membership/view.ts'
import type { PeerState } from '../../../src/model/peer.ts'
import { type Preset, PRESETS } from '../../../src/model/presets.ts'
import { digestFrom, heartbeatOf, lineOf, peerId, profileOf, show, statsOf } from './peers.ts'

const TICK_MS = 100

/**
 * Runs the commands of a golden transcript on one view and writes down what they did. A transcript is blocks of commands, `----`, and what
 * came of them. Every event carries the time at which it happened. Commands:
 *
 *     start a [preset=lan]                  a new view, of peer a, at 0 ms
 *     members a b c  |  draining b          what the log says
 *     orchestrator c term=1                 `none` for nobody
 *     heard b [session=1] [seq=1] [next=1000] [via=gossip] [leaving] [draining]      seq: absent, one more than the last
 *     digest c [term=1] b=alive/200 d=suspect/4000/1.7      state/age[/session.seq], absent: as heard last, plus one if alive
 *     connected b  |  closed b
 *     every 1000 COMMAND  |  stop           goes on during `advance`, from now on  |  ends all of these
 *     advance 3000                          lets time pass, with a tick each 100 ms
 *     sleep 60000                           lets time pass with one tick at its end
 *     view
 */
export function runTranscript(text: string): string {
  const runner = new Runner()
  const blocks = text.trimEnd().split(/\n\n+/)
  return `${blocks.map(block => runner.block(block)).join('\n\n')}\n`
}

class Runner {
  #state: MembershipState | undefined
  #nowMs = 0
  #out: string[] = []
  #flows: { everyMs: number; nextMs: number; command: string }[] = []
  readonly #seqs = new Map<string, { session: number; seq: number }>()
  #digestSeq = 0

  block(block: string): string {
    const lines = block.split('\n')
    const end = lines.indexOf('----')
    const commands = end < 0 ? lines : lines.slice(0, end)
    if (commands.every(line => line.startsWith('#'))) return commands.join('\n')
    this.#out = []
    for (const command of commands) if (!command.startsWith('#')) this.#run(command)
    return [...commands, '----', ...(this.#out.length === 0 ? ['nothing'] : this.#out)].join('\n')
  }

  #run(command: string): void {
    const [verb = '', ...words] = command.split(' ')
    const names = words.filter(word => !word.includes('='))
    const options = new Map(words.filter(word => word.includes('=')).map(word => word.split('=') as [string, string]))
    const name = names[0] ?? ''
    const now = this.#nowMs
    switch (verb) {
      case 'start':
        this.#state = createView({
          self: profileOf(name),
          stats: statsOf(0),
          timings: PRESETS[(options.get('preset') ?? 'lan') as Preset],
          nowMs: 0
        })
        this.#nowMs = 0
        return
      case 'members':
        return this.#step(state => setMembers(state, names.map(peerId), state.draining, now))
      case 'draining':
        return this.#step(state => setMembers(state, state.members, new Set(names), now))
      case 'orchestrator':
        return this.#step(state => setOrchestrator(state, name === 'none' ? null : peerId(name), Number(options.get('term') ?? 1), now))
      case 'heard':
        return this.#step(state =>
          heard(state, peerId(name), this.#heartbeat(name, names, options), (options.get('via') ?? 'gossip') as 'gossip', now)
        )
      case 'digest':
        return this.#step(state => {
          const lines = [...options].filter(([key]) => key !== 'term').map(([peer, line]) => this.#line(peer, line))
          const digest = digestFrom(name, { term: Number(options.get('term') ?? 1), seq: ++this.#digestSeq }, lines)
          return heardDigest(state, peerId(name), digest, now)
        })
      case 'connected':
      case 'closed':
        return this.#step(state => connectionChanged(state, peerId(name), verb === 'connected', now))
      case 'every':
        this.#flows.push({ everyMs: Number(name), nextMs: now + Number(name), command: words.slice(1).join(' ') })
        return
      case 'stop':
        this.#flows = []
        return
      case 'advance':
        return this.#advance(Number(name))
      case 'sleep':
        this.#nowMs += Number(name)
        return this.#step(state => tick(state, this.#nowMs))
      case 'view':
        for (const { profile, stats, state, ageMs } of view(this.#known(), now)) {
          this.#out.push(`${profile.name} ${state} ${profile.session}.${stats.seq} ${ageMs}ms`)
        }
        return
      default:
        throw new Error(`no command ${verb}`)
    }
  }

  #advance(ms: number): void {
    const endMs = this.#nowMs + ms
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + TICK_MS)
      for (const flow of this.#flows) {
        if (flow.nextMs > this.#nowMs) continue
        flow.nextMs += flow.everyMs
        this.#run(flow.command)
      }
      this.#step(state => tick(state, this.#nowMs))
    }
  }

  #heartbeat(name: string, flags: readonly string[], options: ReadonlyMap<string, string>): ReturnType<typeof heartbeatOf> {
    const last = this.#seqs.get(name) ?? { session: 1, seq: 0 }
    const session = Number(options.get('session') ?? last.session)
    const seq = Number(options.get('seq') ?? (session === last.session ? last.seq : 0) + 1)
    this.#seqs.set(name, { session, seq })
    const nextWithinMs = Number(options.get('next') ?? 1_000)
    return heartbeatOf(name, { session, seq, nextWithinMs, leaving: flags.includes('leaving'), draining: flags.includes('draining') })
  }

  #line(name: string, line: string): ReturnType<typeof lineOf> {
    const [state = 'alive', ageMs = '0', word] = line.split('/')
    const last = this.#seqs.get(name) ?? { session: 1, seq: 0 }
    const [session = last.session, seq = state === 'alive' ? last.seq + 1 : last.seq] = word?.split('.').map(Number) ?? []
    this.#seqs.set(name, { session, seq })
    return lineOf(name, { session, seq, ageMs: Number(ageMs), state: state as PeerState })
  }

  #step(change: (state: MembershipState) => MembershipStep): void {
    const { state, events } = change(this.#known())
    this.#state = state
    for (const event of events) this.#out.push(`${this.#nowMs} ${show(event)}`)
  }

  #known(): MembershipState {
    if (this.#state === undefined) throw new Error('a transcript begins with start')
    return this.#state
  }
}
