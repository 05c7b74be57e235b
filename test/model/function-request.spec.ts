import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { CaresError } from '../../src/model/errors.ts'
import {
  FUNCTION_DEFAULTS,
  FUNCTION_LIMITS,
  functionSpecSchema,
  type ImageTraits,
  parseFunctionRequest,
  resolveSpec
} from '../../src/model/function-request.ts'
import type { FunctionRequest } from '../../src/model/service.ts'

const MINIMAL = { name: 'thumb', image: 'acme/thumb:1.4' } as const
const STDIO: ImageTraits = { contract: 'stdio', port: 0 }
const HTTP: ImageTraits = { contract: 'http', port: 3_000, readyPath: '/ready', concurrency: 1 }

/** The paths that are wrong. */
function issuesOf(action: () => unknown): readonly string[] {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof CaresError)
    assert.equal(error.code, 'invalid')
    return (error.details['issues'] as { path: string }[]).map(({ path }) => path)
  }
  return []
}

describe('parseFunctionRequest', () => {
  const allowed: readonly (readonly [claim: string, field: object])[] = [
    ['the shortest name', { name: 'a' }],
    ['the longest name', { name: 'a'.repeat(63) }],
    ['the longest image', { image: 'x'.repeat(1_024) }],
    ['a command line as image', { image: 'sh -c "tr a-z A-Z"' }],
    ['the least cpus', { cpus: 0.01 }],
    ['the most cpus', { cpus: 256 }],
    ['the least memory', { memoryBytes: 6 * 2 ** 20 }],
    ['the longest timeout', { timeoutMs: 3_600_000 }],
    ['the most concurrency', { concurrency: 1_000 }],
    ['the most prewarmed', { prewarm: 64 }],
    ['port 0, as none', { port: 0 }],
    ['64 variables', { env: Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`V${i}`, ''])) }],
    ['a value of 8 KiB', { env: { A: 'x'.repeat(8_192) } }],
    ['a detected contract', { contract: 'auto' }]
  ]
  for (const [claim, field] of allowed) {
    it(`takes ${claim}`, () => {
      assert.deepEqual(parseFunctionRequest({ ...MINIMAL, ...field }), { ...MINIMAL, ...field })
    })
  }

  const refused: readonly (readonly [claim: string, field: object, path: string])[] = [
    ['an empty name', { name: '' }, 'name'],
    ['a name of 64 characters', { name: 'a'.repeat(64) }, 'name'],
    ['a name in capitals', { name: 'Thumb' }, 'name'],
    ['a name that begins with a digit', { name: '1thumb' }, 'name'],
    ['a name with a line break at its end', { name: 'thumb\n' }, 'name'],
    ['no image', { image: undefined }, 'image'],
    ['a label with two signs', { placement: { require: ['zone==eu'] } }, 'placement.require'],
    ['an objective of a strategy that has none', { placement: { strategy: 'greedy', objective: 'cheap' } }, 'placement'],
    ['an image with a line break', { image: 'a\nb' }, 'image'],
    ['an image that is too long', { image: 'x'.repeat(1_025) }, 'image'],
    ['no cpus', { cpus: 0 }, 'cpus'],
    ['cpus that are no number', { cpus: Number.NaN }, 'cpus'],
    ['cpus as text', { cpus: '1' }, 'cpus'],
    ['too little memory', { memoryBytes: 6 * 2 ** 20 - 1 }, 'memoryBytes'],
    ['half a byte', { memoryBytes: 2 ** 27 + 0.5 }, 'memoryBytes'],
    ['no time', { timeoutMs: 0 }, 'timeoutMs'],
    ['more than an hour', { timeoutMs: 3_600_001 }, 'timeoutMs'],
    ['no concurrency', { concurrency: 0 }, 'concurrency'],
    ['too many prewarmed', { prewarm: 65 }, 'prewarm'],
    ['a port beyond 65535', { port: 65_536 }, 'port'],
    ['a contract that does not exist', { contract: 'grpc' }, 'contract'],
    ['a network that does not exist', { network: 'host' }, 'network'],
    ['a ready path without a slash', { readyPath: 'ready' }, 'readyPath'],
    ['a ready path with a line break', { readyPath: '/a\r\nx: y' }, 'readyPath'],
    ['a variable that the runtime sets', { env: { PORT: '1' } }, 'env.PORT'],
    ['a variable of CARES', { env: { CARES_FUNCTION: 'x' } }, 'env.CARES_FUNCTION'],
    ['a variable with a strange name', { env: { 'A=B': 'x' } }, 'env.A=B'],
    ['a value with NUL', { env: { A: 'a\0b' } }, 'env.A'],
    ['a value that is too long in bytes', { env: { A: 'ä'.repeat(4_097) } }, 'env.A'],
    ['65 variables', { env: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`V${i}`, ''])) }, 'env'],
    [
      'variables that are too large together',
      { env: Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`V${i}`, 'x'.repeat(8_000)])) },
      'env'
    ],
    ['a field that does not exist', { memroy: 1 }, 'memroy']
  ]
  for (const [claim, field, path] of refused) {
    it(`refuses ${claim}`, () => {
      assert.deepEqual(
        issuesOf(() => parseFunctionRequest({ ...MINIMAL, ...field })),
        [path]
      )
    })
  }

  it('takes nothing but an object for a request, and never fails in another way', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        assert.ok(issuesOf(() => parseFunctionRequest(value)).length > 0)
      })
    )
  })
})

describe('resolveSpec', () => {
  it('closes everything that was left open for a stdio image', () => {
    assert.deepEqual(resolveSpec(MINIMAL, STDIO), {
      ...MINIMAL,
      contract: 'stdio',
      port: 0,
      cpus: 0.5,
      memoryBytes: 128 * 2 ** 20,
      timeoutMs: 30_000,
      concurrency: 1,
      prewarm: 0,
      idempotent: false,
      env: {},
      network: 'none'
    })
  })

  it('takes port, ready path and concurrency from an http image', () => {
    const { contract, port, readyPath, concurrency } = resolveSpec(MINIMAL, HTTP)
    assert.deepEqual({ contract, port, readyPath, concurrency }, HTTP)
  })

  it('lets the user’s word win over the image’s', () => {
    const asked = {
      port: 9_000,
      readyPath: '/up',
      concurrency: 4,
      cpus: 2,
      memoryBytes: 2 ** 30,
      timeoutMs: 1,
      idempotent: true,
      network: 'egress',
      env: { A: 'b' }
    } as const
    assert.deepEqual(resolveSpec({ ...MINIMAL, ...asked }, HTTP), { ...MINIMAL, contract: 'http', prewarm: 0, ...asked })
  })

  for (const [claim, request, image, expected] of [
    [
      'a port means http, whatever was found',
      { port: 81 },
      STDIO,
      { contract: 'http', port: 81, concurrency: FUNCTION_DEFAULTS.concurrency }
    ],
    ['http without a port means the usual one', { contract: 'http' }, STDIO, { contract: 'http', port: 8_080, concurrency: 8 }],
    ['stdio forgets what was found of http', { contract: 'stdio' }, HTTP, { contract: 'stdio', port: 0, concurrency: 1 }],
    ['port 0 means what was found', { port: 0 }, HTTP, { contract: 'http', port: 3_000, concurrency: 1 }],
    ['auto means what was found', { contract: 'auto' }, HTTP, { contract: 'http', port: 3_000, concurrency: 1 }]
  ] as const) {
    it(claim, () => {
      const { contract, port, concurrency } = resolveSpec({ ...MINIMAL, ...request }, image)
      assert.deepEqual({ contract, port, concurrency }, expected)
    })
  }

  for (const [claim, request, image, path] of [
    ['a port for stdio', { contract: 'stdio', port: 80 }, STDIO, 'port'],
    ['concurrency for stdio', { concurrency: 2 }, STDIO, 'concurrency'],
    ['a ready path for stdio', { readyPath: '/' }, STDIO, 'readyPath'],
    ['prewarming for http', { prewarm: 1 }, HTTP, 'prewarm']
  ] as const) {
    it(`refuses ${claim}`, () => {
      assert.deepEqual(
        issuesOf(() => resolveSpec({ ...MINIMAL, ...request }, image)),
        [path]
      )
    })
  }

  it('gives a valid spec for every valid request, or refuses it, and asks for no more than the same again', () => {
    const request = fc.record(
      {
        name: fc.constant('f'),
        image: fc.constant('x'),
        contract: fc.constantFrom('auto' as const, 'stdio' as const, 'http' as const),
        port: fc.integer({ min: 0, max: 65_535 }),
        cpus: fc.double({ min: 0.01, max: 256, noNaN: true }),
        concurrency: fc.integer({ min: 1, max: FUNCTION_LIMITS.concurrencyMax }),
        prewarm: fc.oneof(fc.integer({ min: 0, max: FUNCTION_LIMITS.prewarmMax }), fc.constant('auto' as const)),
        idempotent: fc.boolean()
      },
      { requiredKeys: ['name', 'image'] }
    ) as fc.Arbitrary<FunctionRequest>
    fc.assert(
      fc.property(request, fc.constantFrom(STDIO, HTTP), (asked, image) => {
        let spec: ReturnType<typeof resolveSpec>
        try {
          spec = resolveSpec(asked, image)
        } catch (error) {
          assert.equal((error as CaresError).code, 'invalid')
          return
        }
        assert.ok(functionSpecSchema.safeParse(spec).success)
        assert.deepEqual(resolveSpec(spec, image), spec)
      })
    )
  })

  it('send functions that want GPUs to peers that have some, unless they say which', () => {
    const traits = { contract: 'stdio', port: 0 } as const
    const requireOf = (placement?: { require: string[] }): unknown =>
      resolveSpec({ name: 'f', image: 'i', gpus: 1, ...(placement === undefined ? {} : { placement }) }, traits).placement?.require
    assert.deepEqual(requireOf(), ['gpu'])
    assert.deepEqual(requireOf({ require: ['zone=eu'] }), ['zone=eu', 'gpu'])
    assert.deepEqual(requireOf({ require: ['gpu=4'] }), ['gpu=4'])
  })
})
