import type { MessageInitShape } from '@bufbuild/protobuf'
import { type FunctionHistory, HISTORY, LATENCY_CLASSES_MS } from '../model/history.ts'
import { list, refuse, text } from './check.ts'
import type { FunctionHistory as FunctionHistoryMessage, FunctionHistorySchema } from './generated/control_pb.ts'
import { ID_CHARS_MAX } from './limits.ts'

const STEPS_MAX = Math.max(HISTORY.fine.steps, HISTORY.coarse.steps)
const CLASSES = LATENCY_CLASSES_MS.length + 1
/** Numbers of the classes of all steps: how many there are, and two for each. */
const LATENCY_NUMBERS_MAX = STEPS_MAX * (1 + 2 * CLASSES)

/** The message of one function's calls. */
export function writeFunctionHistory(stepMs: number, history: FunctionHistory): MessageInitShape<typeof FunctionHistorySchema> {
  const { name, calls, failed, cold, latency } = history
  return {
    function: name,
    stepMs,
    calls: [...calls],
    failed: [...failed],
    cold: [...cold],
    latency: latency.flatMap(counts => {
      const classes = (counts ?? []).flatMap((count, index) => (count === 0 ? [] : [index, count]))
      return counts === null ? [] : [classes.length / 2].concat(classes)
    })
  }
}

/** One function's calls. Throws `protocol`. */
export function readFunctionHistory(message: FunctionHistoryMessage): { stepMs: number; history: FunctionHistory } {
  const calls = list(message.calls, 'calls', STEPS_MAX)
  if (message.failed.length !== calls.length || message.cold.length !== calls.length) refuse('series of a history differ in length')
  if (message.stepMs !== HISTORY.fine.stepMs && message.stepMs !== HISTORY.coarse.stepMs) refuse('a history has steps of an unknown length')
  return {
    stepMs: message.stepMs,
    history: {
      name: text(message.function, 'function', ID_CHARS_MAX, { empty: false }),
      calls,
      failed: message.failed,
      cold: message.cold,
      latency: readLatency(list(message.latency, 'latency', LATENCY_NUMBERS_MAX), calls)
    }
  }
}

function readLatency(numbers: readonly number[], calls: readonly number[]): FunctionHistory['latency'] {
  let next = 0
  const latency = calls.map(count => {
    if (count === 0) return null
    const classes = numbers[next++] ?? refuse('a history has too few classes of duration')
    const counts = Array<number>(CLASSES).fill(0)
    for (let i = 0; i < classes; i++) {
      const [index = CLASSES, calls = 0] = [numbers[next++], numbers[next++]]
      if (index >= CLASSES) refuse('a history has an unknown class of duration')
      counts[index] = calls
    }
    return counts
  })
  if (next !== numbers.length) refuse('a history has too many classes of duration')
  return latency
}
