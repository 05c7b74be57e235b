import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeaf } from '../../src/runtime/deaf.ts'

const PID = 4_321
const NONE = '0000000000000000'
const TERM = '0000000000004000'
const OTHERS = 'fffffffe7ffbbeff'

describe('a program that never hears SIGTERM', () => {
  let root: string
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cares-deaf-'))
    await mkdir(join(root, String(PID)))
  })
  after(async () => rm(root, { recursive: true }))

  const cases: readonly (readonly [what: string, status: string, pids: readonly number[], deaf: boolean])[] = [
    ['is the only one of its container, without a handler', status({ blocked: NONE, caught: OTHERS }), [PID], true],
    ['is not one that has a handler', status({ blocked: NONE, caught: TERM }), [PID], false],
    ['is not one that blocks it, to fetch it by itself', status({ blocked: TERM, caught: NONE }), [PID], false],
    ['is not one with others below it', status({ blocked: NONE, caught: NONE }), [PID, PID + 1], false],
    ['is not one beside the first of its container', status({ blocked: NONE, caught: NONE, nsPid: '4321\t7' }), [PID], false],
    ['is not one of this machine itself', status({ blocked: NONE, caught: NONE, nsPid: '4321' }), [PID], false],
    ['is not one that tells nothing', 'Name:\tsleep\n', [PID], false],
    ['is not one that is not there', status({ blocked: NONE, caught: NONE }), [PID + 1], false],
    ['is not nobody', status({ blocked: NONE, caught: NONE }), [], false]
  ]
  for (const [what, text, pids, deaf] of cases) {
    it(what, async () => {
      await writeFile(join(root, String(PID), 'status'), text)
      assert.equal(isDeaf(pids, root), deaf)
    })
  }
})

/** As the kernel writes it, shortened. */
function status({ blocked, caught, nsPid = '4321\t1' }: { blocked: string; caught: string; nsPid?: string }): string {
  return `Name:\tsleep\nPid:\t4321\nNSpid:\t${nsPid}\nSigPnd:\t${NONE}\nSigBlk:\t${blocked}\nSigIgn:\t${NONE}\nSigCgt:\t${caught}\n`
}
