import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { CODECS } from './codecs.ts'
import { VALUES } from './values.ts'

/*
 * The bytes of known values. A change here means that peers of two versions do not understand each other, or that a log on disk cannot be read:
 * add fields, never change them. `UPDATE_GOLDEN=1` adds what is missing; it does not touch what is there.
 */

interface Golden {
  readonly kind: string
  readonly hex: string
  readonly value: unknown
}

/** Values drawn for each codec: enough that every kind of message comes several times. */
const DRAWN = 300
const SEED = 7

const path = (name: string): URL => new URL(`../golden/wire/${name}.json`, import.meta.url)
const toJson = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? { $hex: Buffer.from(value).toString('hex') } : value)
const fromJson = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && '$hex' in value ? new Uint8Array(Buffer.from(String(value.$hex), 'hex')) : value

/** The tags that tell kinds of messages apart, outermost first: `consensus.append-request`. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  const own = 'type' in value ? String(value.type) : ''
  const inner = ['message', 'command', 'outcome'].map(key => kindOf((value as Record<string, unknown>)[key])).filter(kind => kind !== '')
  return [own, ...inner].filter(kind => kind !== '').join('.')
}

function draw(name: keyof typeof VALUES): Golden[] {
  const byKind = new Map<string, Golden>()
  for (const value of fc.sample<unknown>(VALUES[name], { numRuns: DRAWN, seed: SEED })) {
    const kind = kindOf(value)
    // The longest of its kind has the most optional fields.
    const hex = Buffer.from(CODECS[name].encode(value)).toString('hex')
    if (hex.length > (byKind.get(kind)?.hex.length ?? -1) && hex.length < 4_000) byKind.set(kind, { kind, hex, value })
  }
  return [...byKind.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1))
}

function load(name: keyof typeof VALUES): readonly Golden[] {
  try {
    return JSON.parse(readFileSync(path(name), 'utf8'), fromJson) as Golden[]
  } catch (error) {
    if (process.env['UPDATE_GOLDEN'] === undefined) throw error
    return []
  }
}

describe('wire: the bytes do not change', () => {
  for (const name of Object.keys(VALUES) as (keyof typeof VALUES)[]) {
    it(`of ${name}, both ways`, () => {
      let golden = load(name)
      if (process.env['UPDATE_GOLDEN'] !== undefined) {
        const known = new Set(golden.map(({ kind }) => kind))
        golden = [...golden, ...draw(name).filter(({ kind }) => !known.has(kind))]
        writeFileSync(path(name), `${JSON.stringify(golden, toJson, 1)}\n`)
      }
      assert.ok(golden.length > 0)
      for (const { kind, hex, value } of golden) {
        assert.equal(Buffer.from(CODECS[name].encode(value)).toString('hex'), hex, `${kind}, encoded`)
        assert.deepEqual(CODECS[name].decode(Buffer.from(hex, 'hex')), value, `${kind}, decoded`)
      }
    })

    it(`of ${name}, with every kind that there is`, () => {
      const kinds = new Set(load(name).map(({ kind }) => kind))
      const missing = fc
        .sample<unknown>(VALUES[name], { numRuns: 500, seed: SEED + 1 })
        .map(kindOf)
        .filter(kind => !kinds.has(kind))
      assert.deepEqual([...new Set(missing)], [])
    })
  }
})
