import assert from 'node:assert/strict'
import { startFakeApi } from '../fake-api.ts'
import { EXPLANATION, INVOCATION_ID, THUMB } from '../samples.ts'
import { run } from './run.ts'

const api = (invocations: object): ReturnType<typeof startFakeApi> =>
  startFakeApi({ 'GET /v1/invocations': invocations, 'GET /v1/functions/thumb': THUMB })

describe('cares explain of a function', () => {
  it('says that the whole cluster has had no call of it', async () => {
    await using fake = await api({ items: [], missing: [] })
    const { code, stderr } = await run(['explain', 'thumb'], { api: fake.url })
    assert.deepEqual([code, stderr], [4, 'cares: no peer knows of a call of thumb\n  try: cares invoke thumb, or name an invocation\n'])
  })

  it('does not say so while peers are silent', async () => {
    await using fake = await api({ items: [], missing: [{ id: '12D3KooWBirch', name: 'birch' }] })
    const { code, stderr } = await run(['explain', 'thumb'], { api: fake.url })
    assert.equal(code, 3)
    assert.match(stderr, /^cares: no call of thumb is known, and birch did not say which it had\n/)
  })
})

describe('cares explain of a call', () => {
  const other = `${INVOCATION_ID.slice(0, 7)}${'0'.repeat(21)}`
  const among = (...ids: readonly string[]): ReturnType<typeof startFakeApi> =>
    startFakeApi({
      'GET /v1/invocations': (response, { url }) => {
        const items = url.includes('function=') ? [] : ids.map(id => Object.assign({}, EXPLANATION.invocation, { id }))
        response.end(JSON.stringify({ items, missing: [] }))
      },
      [`GET /v1/invocations/${INVOCATION_ID}/explain*`]: EXPLANATION
    })

  it('finds it by the beginning of its id', async () => {
    await using fake = await among(other, INVOCATION_ID)
    const { code, stdout } = await run(['explain', INVOCATION_ID.slice(0, 12), '-o', 'name'], { api: fake.url })
    assert.deepEqual([code, stdout], [0, `${INVOCATION_ID}\n`])
  })

  it('says of a beginning of none that it is neither a call nor a function', async () => {
    await using fake = await among(INVOCATION_ID)
    const { code, stderr } = await run(['explain', 'i-zzzzzz'], { api: fake.url })
    assert.equal(code, 4)
    assert.match(stderr, /^cares: no call that is kept has an id which begins with i-zzzzzz, and no function is named so\n/)
  })

  it('refuses a beginning of several', async () => {
    await using fake = await among(other, INVOCATION_ID)
    const { code, stderr } = await run(['explain', INVOCATION_ID.slice(0, 7)], { api: fake.url })
    assert.deepEqual([code, stderr], [2, `cares: 2 invocations begin with ${INVOCATION_ID.slice(0, 7)}\n  try: write more of the id\n`])
  })

  it('says how many GPUs it needed, where it needed any', async () => {
    const [placement] = EXPLANATION.placements
    assert.ok(placement)
    const withGpus = { ...EXPLANATION, placements: [{ ...placement, needs: { ...placement.needs, gpus: 2 } }] }
    await using fake = await startFakeApi({ [`GET /v1/invocations/${INVOCATION_ID}/explain*`]: withGpus })
    const { stdout } = await run(['explain', INVOCATION_ID], { api: fake.url })
    assert.match(stdout, /^Needs +cpu 0\.5  memory 256Mi  gpus 2  image 412Mi$/m)
  })
})
