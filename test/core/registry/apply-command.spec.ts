import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { applyCommand, applyCommands } from '../../../src/core/registry/apply-command.ts'
import {
  DRAINING_MAX,
  ENV_BYTES_MAX,
  FUNCTIONS_BYTES_MAX,
  FUNCTIONS_MAX,
  REMEMBERED_MAX,
  TOMBSTONES_MAX
} from '../../../src/core/registry/limits.ts'
import { emptyTables } from '../../../src/core/registry/tables.ts'
import type { Command, Outcome } from '../../../src/model/command.ts'
import type { FunctionSpec } from '../../../src/model/function.ts'
import type { AgreedStrategy } from '../../../src/model/placement.ts'
import type { Digest } from '../../../src/model/ids.ts'
import type { RegistryTables } from '../../../src/model/ports/store.ts'

const AT = '2026-01-02T03:04:05Z'

function specOf(fields: Partial<FunctionSpec> = {}): FunctionSpec {
  return {
    name: 'thumb',
    image: 'thumb:1',
    contract: 'stdio',
    port: 0,
    cpus: 1,
    memoryBytes: 2 ** 26,
    timeoutMs: 30_000,
    concurrency: 1,
    prewarm: 0,
    idempotent: false,
    env: {},
    network: 'none',
    ...fields
  }
}

function put(
  fields: Partial<FunctionSpec> = {},
  { digest = 'sha256:a', arch, ifRevision }: { digest?: string; arch?: string; ifRevision?: number } = {}
): Command {
  return { type: 'function-put', spec: specOf(fields), digest: digest as Digest, imageBytes: 1_000, arch, ifRevision, at: AT }
}

function remove(name: string, ifRevision?: number): Command {
  return { type: 'function-remove', name, ifRevision, at: AT }
}

function drain(peer: string, draining: boolean): Command {
  return { type: 'peer-drain', peer, draining, at: AT }
}

function agree(strategy: AgreedStrategy | null): Command {
  return { type: 'strategy-set', strategy, at: AT }
}

/** `created 1`, `refused not_found`: enough of an outcome to compare in a table. */
function brief(outcome: Outcome | undefined): string {
  switch (outcome?.type) {
    case 'refused':
      return `refused ${outcome.code}`
    case 'function-created':
    case 'function-updated':
    case 'function-unchanged':
      return `${outcome.type.slice('function-'.length)} ${outcome.function.revision}`
    case 'function-removed':
      return `removed ${outcome.revision}`
    case 'strategy-agreed':
      return ['agreed', outcome.strategy?.name ?? 'none', outcome.strategy?.objective ?? []].flat().join(' ')
    case 'drain-set':
      return `drain ${outcome.draining}`
    default:
      return 'nothing'
  }
}

describe('applyCommand', () => {
  const rows: { claim: string; commands: Command[]; outcomes: string[] }[] = [
    { claim: 'creates with revision 1', commands: [put()], outcomes: ['created 1'] },
    { claim: 'keeps the revision when nothing differs', commands: [put(), put()], outcomes: ['created 1', 'unchanged 1'] },
    {
      claim: 'does not mind the order of environment variables',
      commands: [put({ env: { A: '1', B: '2' } }), put({ env: { B: '2', A: '1' } })],
      outcomes: ['created 1', 'unchanged 1']
    },
    {
      claim: 'takes another value, a missing and a new variable for a change',
      commands: [put({ env: { A: '1' } }), put({ env: { A: '2' } }), put({ env: {} }), put({ env: { toString: '1' } })],
      outcomes: ['created 1', 'updated 2', 'updated 3', 'updated 4']
    },
    {
      claim: 'takes another digest for a change',
      commands: [put(), put({}, { digest: 'sha256:b' })],
      outcomes: ['created 1', 'updated 2']
    },
    {
      claim: 'takes an architecture that was not known for a change, once',
      commands: [put(), put({}, { arch: 'arm64' }), put({}, { arch: 'arm64' })],
      outcomes: ['created 1', 'updated 2', 'unchanged 2']
    },
    {
      claim: 'takes an absent path and an undefined one for the same',
      commands: [put(), put({ readyPath: undefined })],
      outcomes: ['created 1', 'unchanged 1']
    },
    {
      claim: 'goes on counting after a removal',
      commands: [put(), put({ cpus: 2 }), remove('thumb'), put()],
      outcomes: ['created 1', 'updated 2', 'removed 2', 'created 3']
    },
    {
      claim: 'checks the revision, 0 for none',
      commands: [
        put({}, { ifRevision: 1 }),
        put({}, { ifRevision: 0 }),
        put({ cpus: 2 }, { ifRevision: 0 }),
        put({ cpus: 2 }, { ifRevision: 1 })
      ],
      outcomes: ['refused revision_mismatch', 'created 1', 'refused revision_mismatch', 'updated 2']
    },
    {
      claim: 'checks the revision even of what would be unchanged',
      commands: [put(), put({}, { ifRevision: 7 })],
      outcomes: ['created 1', 'refused revision_mismatch']
    },
    {
      claim: 'removes only what is there, in the revision that is meant',
      commands: [remove('thumb'), put(), remove('thumb', 2), remove('thumb', 1), remove('thumb')],
      outcomes: ['refused not_found', 'created 1', 'refused revision_mismatch', 'removed 1', 'refused not_found']
    },
    {
      claim: 'drains and resumes',
      commands: [drain('p', true), drain('p', true), drain('p', false)],
      outcomes: ['drain true', 'drain true', 'drain false']
    },
    {
      claim: 'agrees on a strategy, changes it, and takes it back',
      commands: [agree({ name: 'greedy' }), agree({ name: 'cost', objective: 'cheap' }), agree(null)],
      outcomes: ['agreed greedy', 'agreed cost cheap', 'agreed none']
    },
    {
      claim: 'refuses an environment beyond the limit, and takes one at it',
      commands: [put({ env: { A: 'é'.repeat(ENV_BYTES_MAX / 2) } }), put({ env: { A: 'x'.repeat(ENV_BYTES_MAX - 1) } })],
      outcomes: ['refused limit_reached', 'created 1']
    }
  ]
  for (const { claim, commands, outcomes } of rows) {
    it('leaves the very same tables when the strategy is the same already', () => {
      const { tables } = applyCommand(emptyTables(), agree({ name: 'cost', objective: 'cheap' }))
      assert.deepEqual(tables.strategy, { name: 'cost', objective: 'cheap' })
      assert.equal(applyCommand(tables, agree({ name: 'cost', objective: 'cheap' })).tables, tables)
      assert.equal(applyCommand(tables, agree(null)).tables.strategy, undefined)
    })

    it(claim, () => {
      let tables = emptyTables()
      const got = commands.map(command => {
        const step = applyCommand(tables, command)
        tables = step.tables
        return brief(step.outcome)
      })
      assert.deepEqual(got, outcomes)
    })
  }

  it('keeps the architecture of the image', () => {
    const { tables } = applyCommand(emptyTables(), put({}, { arch: 'arm64' }))
    assert.deepEqual(
      [...tables.functions.values()].map(({ arch }) => arch),
      ['arm64']
    )
  })

  it('marks a spec as changed by each of its fields', () => {
    const changed: Required<Omit<FunctionSpec, 'name'>> = {
      image: 'x',
      contract: 'http',
      port: 80,
      readyPath: '/ready',
      cpus: 3,
      memoryBytes: 1,
      timeoutMs: 1,
      concurrency: 9,
      prewarm: 2,
      gpus: 1,
      idempotent: true,
      env: { A: '' },
      network: 'egress',
      placement: { strategy: 'greedy', maxCostUsd: 1, require: ['gpu'] }
    }
    const { tables } = applyCommand(emptyTables(), put())
    for (const [field, value] of Object.entries(changed)) {
      assert.equal(brief(applyCommand(tables, put({ [field]: value })).outcome), 'updated 2', field)
    }
  })

  it('refuses one function too many, but still updates those there are', () => {
    const filled = applyCommands(
      emptyTables(),
      Array.from({ length: FUNCTIONS_MAX }, (_, i) => put({ name: `f${i}` }))
    ).tables
    assert.equal(brief(applyCommand(filled, put({ name: 'one-more' })).outcome), 'refused limit_reached')
    assert.equal(brief(applyCommand(filled, put({ name: 'f0', cpus: 2 })).outcome), 'updated 2')
  })

  it('refuses functions that together would not fit into a snapshot, until one is removed or shrinks', () => {
    const env = { A: 'x'.repeat(ENV_BYTES_MAX - 1) }
    const count = Math.floor(FUNCTIONS_BYTES_MAX / (ENV_BYTES_MAX + 'f000'.length + 'thumb:1'.length))
    const names = Array.from({ length: count }, (_, i) => `f${String(i).padStart(3, '0')}`)
    const { tables, outcomes } = applyCommands(
      emptyTables(),
      names.map(name => put({ name, env }))
    )
    assert.ok(outcomes.every(outcome => outcome.type === 'function-created'))
    assert.equal(brief(applyCommand(tables, put({ name: 'over', env })).outcome), 'refused limit_reached')
    assert.deepEqual(applyCommands(tables, [put({ name: 'f000', env: {} }), put({ name: 'over', env })]).outcomes.map(brief), [
      'updated 2',
      'created 1'
    ])
    assert.deepEqual(applyCommands(tables, [put({ name: 'over', env }), remove('f000'), put({ name: 'over', env })]).outcomes.map(brief), [
      'refused limit_reached',
      'removed 1',
      'created 1'
    ])
  })

  it('refuses to forget a removed name', () => {
    const removed = new Map(Array.from({ length: TOMBSTONES_MAX }, (_, i) => [`old${i}`, 5]))
    const { tables } = applyCommand({ ...emptyTables(), removed }, put())
    assert.equal(brief(applyCommand(tables, remove('thumb')).outcome), 'refused limit_reached')
    const freed = applyCommands(tables, [put({ name: 'old7' }), remove('thumb')])
    assert.deepEqual(freed.outcomes.map(brief), ['created 6', 'removed 1'])
  })

  it('refuses to drain more peers than a cluster has', () => {
    const draining = new Set(Array.from({ length: DRAINING_MAX }, (_, i) => `p${i}`))
    const tables = { ...emptyTables(), draining }
    assert.equal(brief(applyCommand(tables, drain('one-more', true)).outcome), 'refused limit_reached')
    assert.equal(brief(applyCommand(tables, drain('p0', true)).outcome), 'drain true')
  })
})

describe('a command that comes again', () => {
  const wishes: readonly (readonly [claim: string, before: readonly Command[], wish: Command, first: Outcome['type']])[] = [
    ['an upload of a new function', [], put({}, { ifRevision: 0 }), 'function-created'],
    ['an upload over a known revision', [put()], put({ cpus: 2 }, { ifRevision: 1 }), 'function-updated'],
    ['a removal', [put()], remove('thumb'), 'function-removed'],
    ['one that was refused', [], remove('thumb'), 'refused'],
    ['a drain', [], { type: 'peer-drain', peer: 'p', draining: true, at: AT }, 'drain-set']
  ]
  for (const [claim, before, wish, first] of wishes) {
    it(`changes nothing, and has the outcome of the first: ${claim}`, () => {
      const { tables: base } = applyCommands(emptyTables(), before)
      const once = applyCommand(base, { ...wish, id: 'w' })
      assert.equal(once.outcome.type, first)
      // Others may have come in between.
      const between = applyCommand(once.tables, put({ name: 'other' })).tables
      const again = applyCommand(between, { ...wish, id: 'w' })
      assert.equal(again.tables, between)
      assert.deepEqual(again.outcome, once.outcome)
      const { outcomes } = applyCommands(base, [
        { ...wish, id: 'w' },
        { ...wish, id: 'w' }
      ])
      assert.deepEqual(outcomes, [once.outcome, once.outcome], 'in one batch')
    })
  }

  it('is another one under another id', () => {
    const { outcomes } = applyCommands(emptyTables(), [
      { ...put({}, { ifRevision: 0 }), id: 'a' },
      { ...put({}, { ifRevision: 0 }), id: 'b' }
    ])
    assert.deepEqual(
      outcomes.map(({ type }) => type),
      ['function-created', 'refused']
    )
  })

  it('is remembered for so long, the oldest first, however the log is cut', () => {
    const commands = Array.from({ length: REMEMBERED_MAX + 2 }, (_, n): Command => ({ ...remove(`f${n}`), id: `w${n}` }))
    const whole = applyCommands(emptyTables(), commands).tables
    const cut = commands.reduce((tables, command) => applyCommand(tables, command).tables, emptyTables())
    assert.deepEqual([...whole.remembered], [...cut.remembered])
    assert.deepEqual([whole.remembered.size, whole.remembered.has('w1'), whole.remembered.has('w2')], [REMEMBERED_MAX, false, true])
    assert.equal(whole.remembered.get(`w${REMEMBERED_MAX + 1}`)?.seq, REMEMBERED_MAX + 2)
  })
})

describe('a log of commands', () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const ifRevision = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined, freq: 2 })
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc
      .record({ name, cpus: fc.constantFrom(1, 2), digest: fc.constantFrom('sha256:a', 'sha256:b'), ifRevision })
      .map(({ name, cpus, digest, ifRevision }) => put({ name, cpus }, { digest, ...(ifRevision === undefined ? {} : { ifRevision }) })),
    fc.record({ name, ifRevision }).map(({ name, ifRevision }) => remove(name, ifRevision)),
    fc.record({ peer: fc.constantFrom('p', 'q'), draining: fc.boolean() }).map(({ peer, draining }) => drain(peer, draining))
  )
  const log = fc.array(command, { maxLength: 60 })

  function revisionOf(tables: RegistryTables, name: string): number {
    return tables.functions.get(name)?.revision ?? tables.removed.get(name) ?? 0
  }

  it('means the same however it is cut into batches', () => {
    fc.assert(
      fc.property(log, fc.integer({ min: 1, max: 7 }), (commands, batchSize) => {
        let oneByOne = emptyTables()
        const outcomes: Outcome[] = []
        for (const command of commands) {
          const step = applyCommand(oneByOne, command)
          oneByOne = step.tables
          outcomes.push(step.outcome)
        }
        let batched = emptyTables()
        const batchedOutcomes: Outcome[] = []
        for (let i = 0; i < commands.length; i += batchSize) {
          const step = applyCommands(batched, commands.slice(i, i + batchSize))
          batched = step.tables
          batchedOutcomes.push(...step.outcomes)
        }
        assert.deepEqual(batched, oneByOne)
        assert.deepEqual(batchedOutcomes, outcomes)
      })
    )
  })

  it('has the version of the newest command in it, refused ones included, whatever comes after', () => {
    const versionOf = ({ type }: Command): number => (type === 'function-remove' ? 2 : 1)
    const [first, newer] = [drain('p', true), remove('none')]
    const { tables: before } = applyCommands(emptyTables(), [first], versionOf)
    assert.equal(before.commandVersion, undefined, 'an older peer has the same tables')
    const { tables, outcomes } = applyCommands(before, [newer, first], versionOf)
    assert.deepEqual([tables.commandVersion, outcomes[0]?.type], [2, 'refused'])
    assert.equal(applyCommands(tables, [first], versionOf).tables, tables)
  })

  it('never lets a revision fall, changes nothing by a refusal, and leaves the tables it was given alone', () => {
    fc.assert(
      fc.property(log, commands => {
        let tables = emptyTables()
        for (const command of commands) {
          const before = structuredClone(tables)
          const step = applyCommand(tables, command)
          assert.deepEqual(tables, before, 'the tables given were changed')
          if (step.outcome.type === 'refused') assert.equal(step.tables, tables)
          for (const name of ['a', 'b', 'c']) {
            assert.ok(revisionOf(step.tables, name) >= revisionOf(tables, name), `revision of ${name} fell`)
            assert.ok(!(step.tables.functions.has(name) && step.tables.removed.has(name)), `${name} is both there and removed`)
          }
          tables = step.tables
        }
      })
    )
  })

  it('is replayed without copying the tables for each command', () => {
    const commands = Array.from({ length: FUNCTIONS_MAX }, (_, i) => put({ name: `f${i}` }))
    let copies = 0
    class CountedMap<K, V> extends Map<K, V> {
      override [Symbol.iterator](): MapIterator<[K, V]> {
        copies++
        return super[Symbol.iterator]()
      }
    }
    const { tables } = applyCommands({ ...emptyTables(), functions: new CountedMap() }, commands)
    assert.equal(tables.functions.size, FUNCTIONS_MAX)
    assert.equal(copies, 1)
  })
})
