import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import type { ServerInstance } from '../../src/runtime/driver.ts'
import { HttpPool } from '../../src/runtime/http-pool.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { sampleFunction } from '../support/samples.ts'

describe('the pool of an http function', () => {
  it('says how a program ended that ended before its container had an address, and leaves nothing of it', async () => {
    let disposed = 0
    let released = 0
    const stderr = new PassThrough()
    stderr.write('no config\n')
    const instance: ServerInstance = {
      id: 'c1',
      pullMs: 0,
      host: '',
      port: 8080,
      stdout: new PassThrough(),
      stderr,
      exited: new Promise(resolve => setImmediate(() => resolve({ exitCode: 3, outOfMemory: false }))),
      measure: () => ({}),
      dispose: async () => void disposed++
    }
    const pool = new HttpPool(
      sampleFunction({ contract: 'http', port: 8080 }),
      { readyTimeoutMs: 1_000 },
      {
        driver: { startServer: async () => instance },
        clock: createManualClock(),
        reserve: async claim => ({ ...claim, release: () => void released++ }),
        onInstance: () => {}
      }
    )

    await assert.rejects(pool.acquire({ signal: new AbortController().signal }), {
      code: 'function_protocol',
      details: { exitCode: 3, stderr: 'no config\n' }
    })
    assert.ok(disposed > 0, 'the container was not removed')
    assert.ok(released > 0, 'its reservation was not given back')
    await pool.close()
    assert.ok(pool.isEmpty())
  })
})
