import assert from 'node:assert/strict'
import { TaskGateway, type TaskGatewayComponents } from '../../../src/daemon/tasks/task-gateway.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { TaskAnswer, TaskAsk, TaskId, TaskRecord } from '../../../src/model/task.ts'
import { sampleTask } from '../../support/fake-tasks.ts'
import { ATLAS, BIRCH, sampleReceipt } from '../../support/samples.ts'

const TASK = sampleTask(BIRCH)

/** What a gateway tells of a task whose orchestrator answers so. */
async function explained(answer: (question: TaskAsk) => TaskAnswer) {
  const transport = {
    self: BIRCH,
    open: async () => {
      const questions: TaskAsk[] = []
      return {
        send: async (question: TaskAsk) => void questions.push(question),
        end: () => {},
        abort: () => {},
        receive: async () => answer(questions[0] as TaskAsk)
      }
    }
  }
  const store = { onChange: () => {}, match: async () => [TASK] }
  const gateway = new TaskGateway({ store, transport, orchestrator: () => ATLAS } as unknown as TaskGatewayComponents)
  return gateway.explain(TASK.id, { signal: new AbortController().signal })
}

describe('why a task is where it is, through a gateway', () => {
  const reasons = ['2026-01-01T00:00:01.000Z placed on birch']

  it('is what the orchestrator says of it, and whether its numbers come to its choice', async () => {
    const told = async (receipt = sampleReceipt()) =>
      explained(({ type }) => (type === 'receipt' ? { type, receipt } : { type: 'explained', reasons }))
    assert.equal((await told()).receipt?.decision.chosen, BIRCH)
    // Made by an older peer: without the numbers that scores are made of.
    assert.equal((await told()).recomputes, null)
    assert.equal((await told(sampleReceipt({ strategy: 'unheard-of' }))).recomputes, null)
  })

  it('is told without the numbers by an orchestrator of an earlier version, which refuses the question for them', async () => {
    const told = await explained(({ type }) => {
      if (type === 'receipt') throw new CaresError('protocol', 'task is not valid')
      return { type: 'explained', reasons }
    })
    assert.equal(told.receipt, null)
    assert.deepEqual(told.reasons.slice(-1), reasons)
  })

  it('says that the orchestrator could not be asked', async () => {
    const told = await explained(() => {
      throw new CaresError('peer_unreachable', 'atlas cannot be reached', { retryable: true })
    })
    assert.deepEqual([told.receipt, told.reasons.at(-1)], [null, 'the orchestrator could not be asked: atlas cannot be reached'])
  })
})

describe('a task by its id, or by its name', () => {
  const over = (id: string): TaskRecord => ({ ...TASK, id: id as TaskId })
  const runs = (id: string): TaskRecord => ({ ...over(id), state: 'running' })
  const found = async (text: string, ...tasks: readonly TaskRecord[]): Promise<TaskId> => {
    const store = { onChange: () => {}, match: async () => tasks }
    const gateway = new TaskGateway({ store } as unknown as TaskGatewayComponents)
    return (await gateway.find(text)).id
  }
  const { name } = TASK.spec

  it('is the only one that is not over, or the newest of those that are, where several have had the name', async () => {
    assert.equal(await found(name, runs('t-1'), over('t-2')), 't-1')
    assert.equal(await found(name, over('t-3'), over('t-2')), 't-3')
  })

  it('is refused where it might be another one', async () => {
    await assert.rejects(found(name, runs('t-1'), runs('t-2')), { code: 'conflict' })
    await assert.rejects(found('t-', over('t-1'), over('t-2')), { code: 'conflict' })
    await assert.rejects(found('unheard'), { code: 'not_found' })
  })
})
