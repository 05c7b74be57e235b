import assert from 'node:assert/strict'
import { demandsOf } from '../../../src/daemon/calls/demands-of.ts'
import { CaresError } from '../../../src/model/errors.ts'
import { sampleFunction } from '../../support/samples.ts'
import { ScriptedRuntime, type Script } from '../../support/scripted-runtime.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

describe('a cluster of several CPU architectures', function () {
  this.timeout(30_000)
  const ARCHS = ['amd64', 'arm64', 'arm64']
  let cluster: MemoryCluster

  beforeEach(async () => {
    const scripts: Record<string, Script> = { who: (_, { worker }) => worker }
    cluster = new MemoryCluster(scripts, {
      machineOf: id => {
        const arch = ARCHS[Number(id.slice('peer-'.length)) - 1] ?? ''
        return { runtime: Object.assign(new ScriptedRuntime(id, scripts), { arch }), profile: { arch } }
      }
    })
    await cluster.start(3)
  })

  afterEach(async () => cluster.stop())

  const within = (): { signal: AbortSignal } => ({ signal: cluster.clock.timeout(20_000) })

  const upload = async (peer: MemoryPeer, name = 'f') => {
    const { function: fn } = await peer.service.putFunction({ name, image: 'who' }, within())
    await cluster.until(() => cluster.peers.every(({ service }) => service.functions().some(one => one.name === name)), 'the function')
    return fn
  }

  const refusal = async (call: Promise<unknown>): Promise<CaresError> => {
    const error: unknown = await call.then(
      () => undefined,
      (err: unknown) => err
    )
    assert.ok(error instanceof CaresError)
    return error
  }

  it('asks of a placement what the image is for, if anything', () => {
    assert.equal(demandsOf(sampleFunction({ arch: 'arm64' })).arch, 'arm64')
    assert.equal(demandsOf(sampleFunction()).arch, undefined)
  })

  it('records at the upload what the image is for, and says it of a try, too', async () => {
    const { service } = cluster.peer(1)
    const { function: tried } = await service.putFunction({ name: 'f', image: 'who' }, { dryRun: true, ...within() })
    assert.equal(tried.arch, 'arm64')
    assert.equal((await upload(cluster.peer(1))).arch, 'arm64')
    assert.deepEqual(
      cluster.peers.map(peer => peer.service.function('f').arch),
      ['arm64', 'arm64', 'arm64']
    )
  })

  it('runs calls only where the image can run, through whichever gateway', async () => {
    await upload(cluster.peer(0))
    for (const peer of [...cluster.peers, ...cluster.peers]) assert.equal((await peer.call('f', '')).output, 'peer-1')
  })

  it('refuses a call that only another architecture may have, and says why', async () => {
    await upload(cluster.peer(0))
    const error = await refusal(cluster.peer(2).call('f', '', { on: cluster.peer(1) }))
    assert.equal(error.code, 'no_capacity')
    assert.match(error.message, /1 of 3 has another CPU architecture \(the image is for amd64\)/)
  })

  it('refuses at once what no peer can run', async () => {
    await upload(cluster.peer(0))
    const [alone] = cluster.peers
    assert.ok(alone)
    alone.runtime.arch = 'riscv64'
    const fn = await upload(alone, 'odd')
    assert.equal(fn.arch, 'riscv64')
    const error = await refusal(cluster.peer(1).call('odd', ''))
    assert.equal(error.code, 'no_capacity')
    assert.match(error.message, /no peer has the CPU architecture of the image: 3 of 3 \(the image is for riscv64\)/)
    assert.deepEqual(
      cluster.peers.flatMap(({ runtime }) => runtime.started),
      []
    )
  })

  it('runs tasks only where their image can run, whether it is named or that of a function', async () => {
    await upload(cluster.peer(0))
    for (const request of [{ image: 'who' }, { image: 'who' }, { function: 'f' }, { function: 'f' }]) {
      const { tasks } = cluster.peer(0).service
      const { task } = await tasks.submit(request, within())
      assert.equal(task.spec.arch, 'amd64')
      const { state, attempts } = await tasks.waitFor(task.id, within())
      assert.deepEqual([state, attempts.map(({ worker }) => worker)], ['succeeded', ['peer-1']])
    }
  })
})
