import { type Api, type ApiInit, createApi } from '../../src/api/api.ts'
import type { PeerService } from '../../src/model/service.ts'
import { createFakeService, type FakeService } from '../support/fake-service.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createTestLog, type TestLog } from '../support/test-log.ts'

/** An API over a fake service, to be driven by `app.inject()`. */
export interface Harness extends AsyncDisposable {
  readonly api: Api
  readonly app: Api['app']
  readonly service: FakeService
  readonly clock: ManualClock
  readonly log: TestLog
}

/** Builds one; nothing listens until `api.start()`, then on a free port of loopback. */
export function createHarness(script: Partial<PeerService> = {}, init: Partial<ApiInit> = {}): Harness {
  const service = createFakeService(script)
  const clock = new ManualClock()
  const log = createTestLog()
  const api = createApi({ host: '127.0.0.1', port: 0, ...init }, { service, clock, log })
  return {
    api,
    app: api.app,
    service,
    clock,
    log,
    [Symbol.asyncDispose]: async () => {
      const stopped = api.stop()
      clock.advance(60_000)
      await stopped
    }
  }
}
