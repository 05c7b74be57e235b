import { Violation } from '../violation.ts'
import type { Calls } from './calls.ts'
import type { Machine } from './machine.ts'

/** Core-milliseconds and cores that rounding may add or lose. */
const TOLERANCE_RATIO = 1e-6

/** What must hold in every replay, whatever is replayed: if it does not, the simulation is wrong, and so is every figure of it. */
export class Invariants {
  readonly #calls: Calls
  readonly #machines: readonly Machine[]

  constructor(calls: Calls, machines: readonly Machine[]) {
    this.#calls = calls
    this.#machines = machines
  }

  /** After every change of a machine: nothing is promised that is not there, and no call is nowhere. Constant time. */
  checkMachine(index: number): void {
    const machine = this.#machines[index]
    if (machine === undefined) return
    const { spec, cores } = machine
    if (machine.memoryBytes > spec.memoryBytes) violated(machine, `${machine.memoryBytes} of ${spec.memoryBytes} bytes of memory are taken`)
    if (machine.gpusFree < 0) violated(machine, 'a graphics processor is taken twice')
    if (cores.size > machine.running) violated(machine, `${cores.size} executions are on the cores, but ${machine.running} were admitted`)
    if (cores.wanted < -TOLERANCE_RATIO) violated(machine, `${cores.wanted} cores are wanted`)
    const { openCount, size } = this.#calls
    if (openCount + this.#calls.count('done') + this.#calls.count('lost') + this.#calls.count('refused') !== size)
      violated(machine, 'calls are lost or counted twice')
  }

  /** At the end: every call is over, none began before it arrived or took less than it must, and no core worked more than all the time. */
  checkEnd(): void {
    const calls = this.#calls
    let endMs = 0
    for (let call = 0; call < calls.size; call++) {
      if (calls.state(call) !== 'done') continue
      const [startedMs, tookMs] = [calls.startedMs[call] ?? 0, (calls.endMs[call] ?? 0) - (calls.startedMs[call] ?? 0)]
      const machine = this.#machines[calls.machine[call] ?? -1]
      if (startedMs < calls.arrivalMs(call)) throw new Violation(`call ${call} began before it arrived`)
      const leastMs = calls.runMs(call) / (machine?.spec.speed ?? 1)
      if (tookMs < leastMs * (1 - TOLERANCE_RATIO)) throw new Violation(`call ${call} took ${tookMs} ms and needs ${leastMs} ms`)
      endMs = Math.max(endMs, calls.endMs[call] ?? 0)
    }
    if (calls.openCount > 0) throw new Violation(`${calls.openCount} calls are not over`)
    this.#checkWork()
  }

  /** Without crashes, the cores have done exactly what the calls asked for. */
  #checkWork(): void {
    const calls = this.#calls
    if (calls.count('lost') > 0) return
    let askedMs = 0
    for (let call = 0; call < calls.size; call++) {
      const machine = this.#machines[calls.machine[call] ?? -1]
      if (calls.state(call) !== 'done' || machine === undefined) continue
      const workMs = (calls.startWorkMs[call] ?? 0) + calls.runMs(call) + (calls.cacheMs[call] ?? 0)
      askedMs += (workMs / machine.spec.speed) * calls.function(call).cpus
    }
    const doneMs = this.#machines.reduce((sum, { cores }) => sum + cores.busyCoreMs, 0)
    // A call that wants more cores than the machine has gets them all, for as long as it takes.
    if (Math.abs(doneMs - askedMs) > askedMs * 1e-3 + 1)
      throw new Violation(`the cores worked ${doneMs} ms, but ${askedMs} ms were asked for`)
  }
}

function violated({ spec }: Machine, what: string): never {
  throw new Violation(`${spec.name}: ${what}`)
}
