import type { ReadIndex } from '../../core/consensus/raft.ts'
import { isAnswered, type RaftState } from '../../core/consensus/state.ts'
import type { Coverage } from './coverage.ts'
import type { SafetyMonitor } from './safety.ts'

type Asked = Pick<Extract<ReadIndex, { outcome: 'asked' }>, 'term' | 'index' | 'round'>

/** Questions of how much is agreed that one peer was asked as a leader, until they are answered or its term is over. */
export class PendingReads {
  readonly #reads = new Set<Asked & { readonly floor: number }>()

  /** @param floor - what was acknowledged when the question was put */
  add({ term, index, round }: Asked, floor: number): void {
    this.#reads.add({ term, index, round, floor })
  }

  clear(): void {
    this.#reads.clear()
  }

  /** The peer has taken a step: some of its questions may be answered now. */
  onStep(state: RaftState, { safety, coverage }: { safety: SafetyMonitor; coverage: Coverage }): void {
    for (const read of this.#reads) {
      const isOver = state.term !== read.term || state.role !== 'leader'
      if (!isOver && !isAnswered(state, read.round)) continue
      this.#reads.delete(read)
      if (isOver) continue
      coverage.reads += 1
      safety.onRead(state.self, read.index, read.floor)
    }
  }
}
