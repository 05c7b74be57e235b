import { CaresError } from '../model/errors.ts'
import { taskAnswerSchema, taskAskSchema } from '../model/persisted-task.ts'
import type { TaskAnswer, TaskAsk } from '../model/task.ts'
import type { z } from 'zod'
import { refuse } from './check.ts'
import type { Codec } from './codec.ts'
import { readReceipt } from './invocation-json.ts'
import { readJson } from './json-text.ts'
import { MESSAGE_BYTES_MAX } from './limits.ts'

/** An answer as it is written: a receipt in it is JSON text of its own. */
type WrittenAnswer = Exclude<TaskAnswer, { type: 'receipt' }> | { readonly type: 'receipt'; readonly receipt: string | null }

const answers: Codec<WrittenAnswer> = jsonCodec('task', taskAnswerSchema)

/** What is asked on `/cares/task`. */
export const taskAskCodec: Codec<TaskAsk> = jsonCodec('task', taskAskSchema)

/** The answer to {@link taskAskCodec}. A receipt goes as with calls, so unknown fields in it are dropped, not refused. */
export const taskAnswerCodec: Codec<TaskAnswer> = {
  encode(answer) {
    if (answer.type !== 'receipt') return answers.encode(answer)
    return answers.encode({ type: 'receipt', receipt: answer.receipt === null ? null : JSON.stringify(answer.receipt) })
  },
  decode(bytes) {
    const answer = answers.decode(bytes)
    if (answer.type !== 'receipt') return answer
    return { type: 'receipt', receipt: answer.receipt === null ? null : readReceipt(answer.receipt) }
  }
}

/** Messages that are JSON text in UTF-8, with the very schema by which tasks are kept. */
function jsonCodec<Value>(name: string, schema: z.ZodType<Value>): Codec<Value> {
  return {
    encode(value) {
      // Not checked: what this peer sends was checked when it was agreed, and a large batch of it is sent many times a second.
      const bytes = Buffer.from(JSON.stringify(value))
      if (bytes.length <= MESSAGE_BYTES_MAX) return bytes
      throw new CaresError('too_large', `${name}: a message of ${bytes.length} bytes; at most ${MESSAGE_BYTES_MAX} can be sent`)
    },
    decode(bytes) {
      if (bytes.length > MESSAGE_BYTES_MAX) refuse(`${name}: a message of ${bytes.length} bytes, more than ${MESSAGE_BYTES_MAX}`)
      return readJson(name, schema, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'), MESSAGE_BYTES_MAX)
    }
  }
}
