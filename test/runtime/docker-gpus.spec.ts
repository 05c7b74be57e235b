import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { PeerId } from '../../src/model/ids.ts'
import { DockerGpus } from '../../src/runtime/docker-gpus.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createTestLog } from '../support/test-log.ts'

const REFUSED = 'could not select device driver "" with capabilities: [[gpu]]'
const NO_PROGRAM = 'OCI runtime create failed: exec: "/cares-gpu-probe": stat /cares-gpu-probe: no such file or directory: unknown'
const BROKEN_DRIVER = `error running hook: exit status 1, stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded`

/** An engine that says this of each container's start. */
function engineThatSays(says: { start: string }) {
  const made = { containers: 0, images: 0, asked: 0 }
  const remove = (what: 'containers' | 'images') => async () => void made[what]--
  const start = async (): Promise<void> => {
    throw Object.assign(new Error(says.start), { statusCode: 500 })
  }
  const engine = {
    importImage: async () => {
      made.asked++
      made.images++
      return Readable.from([`{"status":"sha256:${'a'.repeat(64)}"}`])
    },
    getImage: () => ({ remove: remove('images') }),
    createContainer: async () => {
      made.containers++
      return { start, remove: remove('containers') }
    }
  } as unknown as Docker
  return { engine, made }
}

describe('GPUs of an engine', () => {
  const clock = new ManualClock()
  const gpusOf = (engine: Docker, ids: readonly string[] = ['GPU-1', 'GPU-2']): DockerGpus =>
    new DockerGpus(engine, { owner: { peer: 'p' as PeerId, cluster: null, session: 1 }, ids }, { clock, log: createTestLog() })

  it('are there when it only finds no program, of which it is asked once', async () => {
    const { engine, made } = engineThatSays({ start: NO_PROGRAM })
    const gpus = gpusOf(engine)
    await gpus.look()
    clock.advance(100_000)
    await gpus.look()
    assert.equal(gpus.refusal, undefined)
    assert.deepEqual(made, { containers: 0, images: 0, asked: 1 })
  })

  for (const [claim, message] of [
    ['has no driver for them', REFUSED],
    ['has one that fails', BROKEN_DRIVER]
  ] as const) {
    it(`are refused by one that ${claim}, until it is mended`, async () => {
      const says: { start: string } = { start: message }
      const { engine, made } = engineThatSays(says)
      const gpus = gpusOf(engine)
      await gpus.look()
      assert.equal(gpus.refusal, `the engine gives its containers none of 2: ${message}`)
      says.start = NO_PROGRAM
      await gpus.look()
      assert.notEqual(gpus.refusal, undefined, 'asked again at once')
      clock.advance(60_000)
      await gpus.look()
      assert.equal(gpus.refusal, undefined)
      assert.deepEqual(made, { containers: 0, images: 0, asked: 2 })
    })
  }

  it('are still unknown when it fails for another reason', async () => {
    const { engine, made } = engineThatSays({ start: 'no space left on device' })
    const gpus = gpusOf(engine)
    await gpus.look()
    clock.advance(60_000)
    await gpus.look()
    assert.equal(gpus.refusal, undefined)
    assert.deepEqual(made, { containers: 0, images: 0, asked: 2 })
  })

  it('that a call is refused are no failure of the engine: the peer is busy, and says so until they are given', async () => {
    const says = { start: NO_PROGRAM }
    const { engine } = engineThatSays(says)
    const gpus = gpusOf(engine)
    await gpus.look()
    assert.equal(gpus.refused(new Error('no space left on device')), undefined)
    const error = gpus.refused(new Error(REFUSED))
    assert.equal(error?.code, 'busy')
    assert.deepEqual(error?.details, { resource: 'gpus', needed: 1, available: 0 })
    assert.match(gpus.refusal ?? '', /could not select device driver/)
    clock.advance(60_000)
    await gpus.look()
    assert.equal(gpus.refusal, undefined)
  })

  it('are not asked for where the machine has none', async () => {
    const { engine, made } = engineThatSays({ start: REFUSED })
    const gpus = gpusOf(engine, [])
    await gpus.look()
    assert.deepEqual([gpus.refusal, made.asked], [undefined, 0])
  })
})
