import type { ConsensusMessage } from '../../model/consensus.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { Applied } from '../../model/ports/store.ts'
import { Violation } from '../violation.ts'

/** Holds that at most one peer leads in a term, and that all peers apply the same commands with the same outcomes. */
export class LogMonitor {
  readonly #leaders = new Map<Term, PeerId>()
  readonly #applied = new Map<number, string>()

  /** Terms in which somebody led. */
  get electionsCount(): number {
    return this.#leaders.size
  }

  onConsensus(from: PeerId, message: ConsensusMessage): void {
    if (message.type !== 'append-request') return
    const first = this.#leaders.get(message.term) ?? from
    this.#leaders.set(message.term, first)
    if (first !== from) throw new Violation(`${first} and ${from} both lead in term ${message.term}`)
  }

  onApply(peer: PeerId, applied: readonly Applied[]): void {
    for (const { index, command, outcome } of applied) {
      const text = JSON.stringify([command, outcome])
      const first = this.#applied.get(index) ?? text
      this.#applied.set(index, first)
      if (first !== text) throw new Violation(`${peer} applies ${text} as entry ${index}, which is ${first}`)
    }
  }
}
