import assert from 'node:assert/strict'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import { DockerRecipes } from '../../src/runtime/docker-recipes.ts'
import { sampleFunction } from '../support/samples.ts'

const CHECK = { command: ['check'], timeoutMs: 1, startPeriodMs: 0 }
const web = sampleFunction({ contract: 'http', port: 8080 })

describe('the recipes of containers', () => {
  let asked: number
  let recipes: DockerRecipes
  let answer: () => typeof CHECK | undefined

  beforeEach(() => {
    asked = 0
    answer = () => CHECK
    const health = async (): Promise<typeof CHECK | undefined> => {
      asked++
      return answer()
    }
    recipes = new DockerRecipes({ owner: { peer: 'p' as PeerId, cluster: null, session: 1 }, cpus: async () => 4, health })
  })

  it('are worked out once for a revision', async () => {
    const first = await recipes.of(web, { isKept: true })
    assert.equal(await recipes.of({ ...web }, { isKept: true }), first)
    assert.deepEqual([asked, first.health, first.options.Healthcheck], [1, CHECK, undefined])
  })

  it('are worked out anew for another function by the name and number of one that is gone', async () => {
    await recipes.of(web, { isKept: true })
    const other = await recipes.of({ ...web, digest: `sha256:${'b'.repeat(64)}` as Digest }, { isKept: true })
    assert.deepEqual([asked, other.options.Image], [2, `sha256:${'b'.repeat(64)}`])
  })

  it('are forgotten with their function', async () => {
    await recipes.of(web, { isKept: true })
    recipes.keep([web])
    await recipes.of(web, { isKept: true })
    assert.equal(asked, 1)
    recipes.keep([])
    await recipes.of(web, { isKept: true })
    assert.equal(asked, 2)
  })

  it('are not kept when the image is not there yet', async () => {
    answer = () => {
      throw new Error('no such image')
    }
    await assert.rejects(recipes.of(web, { isKept: true }))
    answer = () => CHECK
    assert.equal((await recipes.of(web, { isKept: true })).health, CHECK)
  })

  for (const [claim, fn] of [
    ['a program', sampleFunction({ contract: 'stdio' })],
    ['a server with a ready path', { ...web, readyPath: '/healthz' }]
  ] as const) {
    it(`have the engine run no check of ${claim}`, async () => {
      const { options, health } = await recipes.of(fn, { isKept: true })
      assert.deepEqual([asked, health, options.Healthcheck], [0, undefined, { Test: ['NONE'] }])
    })
  }
})
