import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import type { InvocationId } from '../../src/model/ids.ts'
import type { Driver, StdioInstance } from '../../src/runtime/driver.ts'
import { FunctionRuntime } from '../../src/runtime/function-runtime.ts'
import type { LlcControl } from '../../src/runtime/llc/llc-control.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { sampleFunction } from '../support/samples.ts'
import { createTestLog } from '../support/test-log.ts'

const INIT = {
  capacity: { cpus: 4, memoryBytes: 2 ** 32, diskBytes: 2 ** 34 },
  keepAliveMs: undefined,
  readyTimeoutMs: 1_000,
  slotsMax: 8,
  gpus: []
}

describe('FunctionRuntime', () => {
  it('is stopped within seconds by an engine that does not answer any more, and says that programs may be left', async () => {
    const clock = new ManualClock()
    const asked: string[] = []
    const never = (what: string) => async (): Promise<never> => {
      asked.push(what)
      return new Promise<never>(() => {})
    }
    const waiting: StdioInstance = {
      id: 'c1',
      pullMs: 0,
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      exited: new Promise(() => {}),
      measure: () => ({}),
      listeningPort: () => undefined,
      dispose: never('dispose')
    }
    const driver: Partial<Driver> = {
      kind: 'docker',
      arch: 'amd64',
      start: async () => {},
      startStdio: async () => waiting,
      setFunctions: () => {},
      stop: never('stop')
    }
    const llc: Partial<LlcControl> = {
      start: async () => {},
      state: () => ({}) as ReturnType<LlcControl['state']>,
      stop: async () => void asked.push('llc')
    }
    const log = createTestLog()
    const runtime = new FunctionRuntime(INIT, { driver: driver as Driver, llc: llc as LlcControl, clock, log })
    await runtime.start()
    runtime.setFunctions([sampleFunction({ prewarm: 1 })])
    clock.advance(1_000)
    const turns = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
    }
    await turns()
    let isStopped = false
    const stopping = runtime.stop().then(() => (isStopped = true))
    clock.advance(2_900)
    await turns()
    assert.equal(isStopped, false)
    clock.advance(100)
    await turns()
    clock.advance(0)
    await stopping
    assert.deepEqual(asked, ['dispose', 'llc', 'stop'])
  })

  for (const [what, task, message] of [
    ['a call', undefined, 'no answer within 700ms'],
    ['a task, whose answer nobody waits for,', { args: [], stopGraceMs: 0 }, 'it had not ended within 700ms']
  ] as const) {
    it(`says of ${what} that ran out of time: ${message}`, async () => {
      const clock = new ManualClock()
      const driver: Partial<Driver> = { startStdio: async () => new Promise(() => {}) }
      const llc: Partial<LlcControl> = {}
      const runtime = new FunctionRuntime(INIT, { driver: driver as Driver, llc: llc as LlcControl, clock, log: createTestLog() })
      const call = {
        invocation: 'i-1' as InvocationId,
        head: { method: 'POST', path: '/', query: '', headers: [] },
        body: new ReadableStream<Uint8Array>(),
        task
      }
      const running = runtime.execute(sampleFunction(), call, { signal: new AbortController().signal, timeoutMs: 700 })
      clock.advance(700)
      await assert.rejects(running, { code: 'timeout', message })
    })
  }

  it('keeps nothing ready of an image for another architecture', async () => {
    const started: string[] = []
    const driver: Partial<Driver> = {
      arch: 'amd64',
      setFunctions: () => {},
      startStdio: async ({ name }) => {
        started.push(name)
        return new Promise(() => {})
      }
    }
    const components = { driver: driver as Driver, llc: {} as LlcControl, clock: new ManualClock(), log: createTestLog() }
    const runtime = new FunctionRuntime(INIT, components)
    runtime.setFunctions([sampleFunction({ name: 'foreign', prewarm: 1, arch: 'arm64' })])
    runtime.setFunctions([
      sampleFunction({ name: 'foreign', prewarm: 2, arch: 'arm64' }),
      sampleFunction({ name: 'own', prewarm: 1, arch: 'amd64' })
    ])
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(started, ['own'])
  })
})
