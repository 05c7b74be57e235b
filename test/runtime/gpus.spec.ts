import assert from 'node:assert/strict'
import { sampleFunction } from '../support/samples.ts'
import type { PeerId } from '../../src/model/ids.ts'
import { containerOptions, containerRecipe } from '../../src/runtime/docker-options.ts'
import { gpuLabels, listGpus } from '../../src/runtime/gpus.ts'
import { Ledger } from '../../src/runtime/resources.ts'

const SMI = 'GPU-8f6e7a10-aaaa-bbbb-cccc-000000000001, NVIDIA L4, 23034\nGPU-8f6e7a10-aaaa-bbbb-cccc-000000000002, NVIDIA L4, 23034\n'
const capacity = { cpus: 4, memoryBytes: 100, diskBytes: 1 }

describe('GPUs', () => {
  it('are those that the tool names, with their model and memory', async () => {
    const gpus = await listGpus(async () => SMI)
    assert.deepEqual(
      gpus.map(({ id, model, memoryBytes }) => [id.slice(-1), model, memoryBytes]),
      [
        ['1', 'NVIDIA L4', 23_034 * 2 ** 20],
        ['2', 'NVIDIA L4', 23_034 * 2 ** 20]
      ]
    )
    assert.deepEqual(gpuLabels(gpus), { gpu: '2', 'gpu-model': 'NVIDIA-L4' })
  })

  for (const [claim, ask] of [
    ['the tool is missing', async () => Promise.reject(new Error('ENOENT'))],
    ['there is no device', async () => 'No devices were found\n'],
    ['it says something else', async () => 'GPU-, x\n-1, NVIDIA\n\n']
  ] as const) {
    it(`are none where ${claim}`, async () => {
      assert.deepEqual(await listGpus(ask), [])
      assert.deepEqual(gpuLabels([]), {})
    })
  }

  it('are given to one container each, and given back', async () => {
    const ledger = new Ledger(capacity, { slotsMax: 10, gpus: () => ['a', 'b', 'c'] })
    const first = ledger.reserve({ cpus: 1, memoryBytes: 1, gpus: 2 })
    assert.deepEqual(first.gpuIds, ['a', 'b'])
    assert.throws(() => ledger.reserve({ cpus: 1, memoryBytes: 1, gpus: 2 }), {
      code: 'busy',
      details: { resource: 'gpus', needed: 2, available: 1 }
    })
    assert.deepEqual(ledger.reserve({ cpus: 1, memoryBytes: 1, gpus: 1 }).gpuIds, ['c'])
    first.release()
    first.release()
    assert.deepEqual(ledger.reserve({ cpus: 1, memoryBytes: 1, gpus: 1 }).gpuIds, ['a'])
  })

  it('of an idle container go to a new one that needs them', async () => {
    const ledger = new Ledger(capacity, { slotsMax: 10, gpus: () => ['a'] })
    const reservation = ledger.reserve({ cpus: 1, memoryBytes: 1, gpus: 1 })
    let evicted = 0
    const idle = { worth: 0, reservation, evict: async () => void evicted++ }
    assert.deepEqual((await ledger.reserveEvicting({ cpus: 1, memoryBytes: 1, gpus: 1 }, [idle])).gpuIds, ['a'])
    assert.equal(evicted, 1)
  })

  it('are asked of the engine by their ids, and only for a function that wants some', () => {
    const recipe = containerRecipe({
      fn: sampleFunction({ gpus: 1 }),
      owner: { peer: 'p' as PeerId, cluster: null, session: 1 },
      cpusMax: 4,
      isChecked: false
    })
    const wish = { name: 'f', env: {}, network: 'none' }
    assert.deepEqual(containerOptions(recipe, { ...wish, gpuIds: ['a'] }).HostConfig?.DeviceRequests, [
      { DeviceIDs: ['a'], Capabilities: [['gpu']] }
    ])
    assert.equal(containerOptions(recipe, { ...wish, gpuIds: [] }).HostConfig?.DeviceRequests, undefined)
  })
})
