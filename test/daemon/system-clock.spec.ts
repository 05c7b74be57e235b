import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { clockCompliance } from '../compliance/clock.ts'

clockCompliance('system', () => {
  const clock = createSystemClock()
  return { clock, pass: ms => clock.sleep(ms) }
})

describe('the system clock', () => {
  const run = async (statement: string): Promise<void> => {
    const module = new URL('../../src/daemon/system-clock.ts', import.meta.url).href
    const script = `import { createSystemClock } from '${module}'; const clock = createSystemClock(); ${statement}`
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 5_000 })
  }

  it('does not keep a process alive for a time-out', async () => {
    await assert.doesNotReject(run('clock.timeout(60_000).addEventListener("abort", () => {})'))
  })

  it('ends the process when a repeated task throws, instead of hiding it', async () => {
    await assert.rejects(run('clock.every(1, async () => { throw new Error("a defect") })'), /a defect/)
  })
})
