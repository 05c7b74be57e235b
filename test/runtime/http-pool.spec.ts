import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { ServerInstance } from '../../src/runtime/driver.ts'
import { HttpPool } from '../../src/runtime/http-pool.ts'
import { sampleFunction } from '../support/samples.ts'

const FN = sampleFunction({ contract: 'http', port: 8080 })

/** A program on an address where nothing listens, that ends with code 3 after some turns of the loop. */
function endingServer(host: string): ServerInstance & { disposed: number } {
  const stderr = new PassThrough()
  stderr.write('no config\n')
  return {
    id: 'c1',
    pullMs: 0,
    host,
    port: 1,
    stdout: new PassThrough(),
    stderr,
    exited: setTimeout(20, { exitCode: 3, outOfMemory: false }),
    measure: () => ({}),
    disposed: 0,
    async dispose() {
      this.disposed++
    }
  }
}

describe('the pool of an http function', () => {
  for (const [claim, host] of [
    ['before its container had an address', ''],
    ['before it served', '127.0.0.1']
  ] as const) {
    it(`says how a program ended that ended ${claim}, and leaves nothing of it`, async () => {
      const instance = endingServer(host)
      let released = 0
      const pool = new HttpPool(
        FN,
        { readyTimeoutMs: 5_000 },
        {
          driver: { startServer: async () => instance },
          clock: createSystemClock(),
          reserve: async claim => ({ ...claim, gpuIds: [], release: () => void released++ }),
          worth: () => 0,
          onInstance: () => {}
        }
      )
      await assert.rejects(pool.acquire({ signal: new AbortController().signal }), {
        code: 'function_protocol',
        details: { exitCode: 3, stderr: 'no config\n' }
      })
      await pool.close()
      assert.ok(instance.disposed > 0, 'the container was not removed')
      assert.ok(released > 0, 'its reservation was not given back')
      assert.ok(pool.isEmpty())
    })
  }
})
