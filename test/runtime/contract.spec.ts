import assert from 'node:assert/strict'
import { CaresError } from '../../src/model/errors.ts'
import { type ContractWish, detectContract, type ImageFacts } from '../../src/runtime/contract.ts'

const NOTHING: ImageFacts = { image: 'acme/x', labels: {}, entrypoint: [], command: [], env: [], exposed: [], healthcheck: [] }

interface Row {
  readonly name: string
  readonly facts?: Partial<ImageFacts>
  readonly wish?: ContractWish
  readonly is: readonly [contract: string, port: number, readyPath?: string]
  readonly because: RegExp
}

const ROWS: readonly Row[] = [
  { name: 'nothing at all', is: ['stdio', 0], because: /no TCP port/ },
  { name: 'one port', facts: { exposed: ['3000/tcp'] }, is: ['http', 3000], because: /^port 3000 from EXPOSE$/ },
  { name: 'a UDP port only', facts: { exposed: ['53/udp'] }, is: ['stdio', 0], because: /no TCP port/ },
  { name: 'several ports with 8080', facts: { exposed: ['80/tcp', '8080/tcp'] }, is: ['http', 8080], because: /one of 2/ },
  { name: 'a wished port', facts: { exposed: ['80/tcp', '443/tcp'] }, wish: { port: 443 }, is: ['http', 443], because: /asked for/ },
  { name: 'a wish for stdio', facts: { exposed: ['80/tcp'] }, wish: { contract: 'stdio' }, is: ['stdio', 0], because: /asked for/ },
  { name: 'a wish for http', wish: { contract: 'http' }, is: ['http', 8080], because: /by default/ },
  { name: 'a wish for http, one port', facts: { exposed: ['80/tcp'] }, wish: { contract: 'http' }, is: ['http', 80], because: /EXPOSE/ },
  { name: 'auto', facts: { exposed: ['80/tcp'] }, wish: { contract: 'auto' }, is: ['http', 80], because: /EXPOSE/ },
  {
    name: 'a stdio label over EXPOSE',
    facts: { labels: { 'io.cares.contract': 'stdio' }, exposed: ['80/tcp'] },
    is: ['stdio', 0],
    because: /label/
  },
  {
    name: 'labels for port and readiness',
    facts: { labels: { 'io.cares.port': '9000', 'io.cares.ready': '/up' } },
    is: ['http', 9000, '/up'],
    because: /io\.cares\.port/
  },
  {
    name: 'an http label without a port',
    facts: { labels: { 'io.cares.contract': 'http' }, exposed: ['81/tcp'] },
    is: ['http', 81],
    because: /label/
  },
  { name: 'the classic watchdog', facts: { command: ['fwatchdog'], exposed: ['9090/tcp'] }, is: ['http', 8080], because: /OpenFaaS/ },
  { name: 'a watchdog by path', facts: { entrypoint: ['/usr/bin/fwatchdog'] }, is: ['http', 8080], because: /OpenFaaS/ },
  { name: 'a Lambda image', facts: { entrypoint: ['/lambda-entrypoint.sh'] }, is: ['http', 8080], because: /2015-03-31/ },
  { name: 'a Lambda task root', facts: { env: ['LAMBDA_TASK_ROOT=/var/task'] }, is: ['http', 8080], because: /Lambda/ },
  { name: 'a functions framework', facts: { env: ['FUNCTION_TARGET=f'] }, is: ['http', 8080], because: /FUNCTION_TARGET/ },
  { name: 'a buildpack', facts: { labels: { 'io.buildpacks.stack.id': 'x' } }, is: ['http', 8080], because: /buildpack/ },
  {
    name: 'a health check on the port',
    facts: { exposed: ['8080/tcp'], healthcheck: ['CMD-SHELL', 'curl -f http://localhost:8080/health || exit 1'] },
    is: ['http', 8080, '/health'],
    because: /EXPOSE/
  },
  {
    name: 'a health check on another port',
    facts: { exposed: ['8080/tcp'], healthcheck: ['CMD', 'wget', 'http://127.0.0.1:9/x'] },
    is: ['http', 8080],
    because: /EXPOSE/
  }
]

const HEALTH_CHECKS: readonly (readonly [command: string, path: string | undefined])[] = [
  ['wget -q -O- localhost:8080/healthz', '/healthz'],
  ['curl -f localhost:8080/health || exit 1', '/health'],
  ['curl --fail http://localhost:${PORT}/up', '/up'],
  ['curl --fail "http://127.0.0.1:${PORT:-8080}/up?deep=1"', '/up?deep=1'],
  ['curl 0.0.0.0:$PORT', '/'],
  ['curl http://[::1]:8080/h', '/h'],
  ['curl localhost:9090/healthz', undefined],
  ['curl localhost/healthz', undefined],
  ['curl https://localhost:8080/healthz', undefined],
  ['curl http://db.localhost:8080/healthz', undefined],
  ['pg_isready -h localhost', undefined],
  ['/healthcheck.sh', undefined]
]

describe('the ready path of a HEALTHCHECK', () => {
  for (const [command, path] of HEALTH_CHECKS) {
    it(`${command}: ${path ?? 'none'}`, () => {
      const facts = { ...NOTHING, exposed: ['8080/tcp'], healthcheck: ['CMD-SHELL', command] }
      assert.equal(detectContract(facts).readyPath, path)
    })
  }
})

describe('contract', () => {
  for (const { name, facts, wish, is, because } of ROWS) {
    it(`takes ${name} for ${is.join(' ')}`, () => {
      const choice = detectContract({ ...NOTHING, ...facts }, wish)
      assert.deepEqual([choice.contract, choice.port, choice.readyPath], [is[0], is[1], is[2]])
      assert.match(choice.because, because)
    })
  }

  it('gives a Lambda image one call at a time', () => {
    assert.equal(detectContract({ ...NOTHING, env: ['LAMBDA_TASK_ROOT=/'] }).concurrency, 1)
  })

  for (const [facts, hint] of [
    [{ exposed: ['443/tcp', '80/tcp'] }, /^choose --port from 80, 443$/],
    [{ labels: { 'io.cares.contract': 'grpc' } }, /--contract/],
    [{ labels: { 'io.cares.port': '0' } }, /--port/]
  ] as const) {
    it(`refuses ${JSON.stringify(facts)}, and says what to do`, () => {
      assert.throws(
        () => detectContract({ ...NOTHING, ...facts }),
        (error: unknown) => error instanceof CaresError && error.code === 'image_unsupported' && hint.test(error.hint ?? '')
      )
    })
  }
})
