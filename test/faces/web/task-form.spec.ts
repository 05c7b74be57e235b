import assert from 'node:assert/strict'
import { EMPTY_TASK, taskFieldsOf, taskRequestOf } from '../../../src/faces/web/task-form.ts'
import type { TaskItem } from '../../../src/model/rest-tasks.ts'
import { parseTaskRequest } from '../../../src/model/task-request.ts'
import { samplePeer } from '../samples.ts'

const peer = { id: samplePeer('atlas').id, name: 'atlas' }

const DEAD: TaskItem = {
  id: 't-ark8hk64k53wn327j164h8y0kw',
  service: null,
  name: 'report',
  state: 'dead',
  image: 'acme/report:3',
  digest: 'sha256:9f2c',
  function: null,
  args: ['--title', "the year's end", '--month', '2026-11'],
  env: { LEVEL: '3' },
  network: 'egress',
  cpus: 0.25,
  memoryBytes: 100_000_001,
  timeoutMs: 5_400_500,
  idempotencyKey: null,
  gateway: peer,
  worker: peer,
  attempt: 3,
  failures: 3,
  attemptsMax: 3,
  attempts: [],
  submittedAt: '2026-11-22T11:59:41.000Z',
  startedAt: null,
  finishedAt: null,
  inputBytes: 0,
  outputBytes: null,
  exitCode: 3,
  error: null,
  usage: null
}

describe('the form of a task', () => {
  it('asks for nothing that was left empty', () => {
    const request = taskRequestOf({ ...EMPTY_TASK, image: ' acme/report ' })
    assert.deepEqual(request, { image: 'acme/report' })
    assert.doesNotThrow(() => parseTaskRequest(request))
    assert.deepEqual(taskRequestOf({ ...EMPTY_TASK, function: 'ocr', image: 'left over' }), { function: 'ocr' })
  })

  it('reads arguments as a shell does, and sizes and durations as people write them', () => {
    const fields = { ...EMPTY_TASK, image: 'a', args: `--name 'two words'  ""`, memory: '2Gi', timeout: '12h', attempts: '5', env: 'A=1' }
    assert.deepEqual(taskRequestOf(fields), {
      image: 'a',
      args: ['--name', 'two words', ''],
      env: { A: '1' },
      memoryBytes: 2 ** 31,
      timeoutMs: 12 * 3_600_000,
      attempts: 5
    })
  })

  for (const [field, text] of [
    ['args', "'half a quote"],
    ['memory', 'much'],
    ['attempts', 'a few'],
    ['env', 'NOVALUE']
  ] as const) {
    it(`refuses ${field} "${text}"`, () => assert.throws(() => taskRequestOf({ ...EMPTY_TASK, [field]: text }), { code: 'invalid' }))
  }

  it('sends a file of any bytes instead of what is written', () => {
    const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i % 256)
    const { input, inputBase64 } = taskRequestOf({ ...EMPTY_TASK, image: 'a', input: 'text' }, bytes)
    assert.equal(input, undefined)
    assert.deepEqual(new Uint8Array(Buffer.from(inputBase64 ?? '', 'base64')), bytes)
  })

  it('loses nothing of a task that is run again', () => {
    const { image, args, env, network, cpus, memoryBytes, timeoutMs, name, attemptsMax: attempts } = DEAD
    assert.deepEqual(taskRequestOf(taskFieldsOf(DEAD)), { image, args, env, network, cpus, memoryBytes, timeoutMs, name, attempts })
    const placement = { require: ['gpu'] }
    assert.deepEqual(taskRequestOf(taskFieldsOf({ ...DEAD, placement })).placement, placement)
    assert.equal(taskRequestOf(taskFieldsOf({ ...DEAD, function: 'ocr' })).function, 'ocr')
  })
})
