import assert from 'node:assert/strict'
import { maskOf } from '../../src/core/llc/way-mask.ts'
import { CaresError } from '../../src/model/errors.ts'
import { Resctrl, type ResctrlInfo, ROOT_GROUP } from '../../src/runtime/llc/resctrl.ts'
import type { ResctrlFiles } from '../../src/runtime/llc/resctrl-files.ts'
import { skip } from '../support/skip.ts'

/** A resctrl to be tried: the kernel's, or a fake that must behave like it. */
export interface ResctrlUnderTest {
  /** Undefined, with the reason: there is none here. */
  setup(): Promise<{ files: ResctrlFiles } | { missing: string }>
  /** A thread that lives until the end of the test. */
  thread(): Promise<number>
  /** A thread that has ended. */
  deadThread(): Promise<number>
  teardown(): Promise<void>
}

/** Groups that the suite makes begin so, and nothing else is touched. */
const PREFIX = 'cares_test_'

/** What the kernel and the fake must have in common, through the class that everything here goes by. */
export function resctrlCompliance(name: string, tried: ResctrlUnderTest): void {
  describe(`resctrl, ${name}`, () => {
    let files: ResctrlFiles
    let resctrl: Resctrl
    let allocation: NonNullable<ResctrlInfo['allocation']>

    before(async function () {
      const found = await tried.setup()
      if ('missing' in found) skip(this, found.missing)
    })

    beforeEach(async function () {
      const found = await tried.setup()
      if ('missing' in found) skip(this, found.missing)
      files = found.files
      resctrl = new Resctrl(files)
      const info = await resctrl.info()
      if (info.allocation === undefined) skip(this, 'the level 3 cache cannot be given out here')
      allocation = info.allocation
    })

    afterEach(async () => {
      if (resctrl !== undefined) for (const group of await resctrl.groups()) if (group.startsWith(PREFIX)) await resctrl.remove(group)
      await tried.teardown()
    })

    /** Makes a group, with a reason to skip where others have all. */
    async function make(context: Mocha.Context, name: string): Promise<string> {
      try {
        await resctrl.create(`${PREFIX}${name}`)
      } catch (error) {
        if (error instanceof CaresError && error.code === 'limit_reached') skip(context, error.message)
        throw error
      }
      return `${PREFIX}${name}`
    }

    async function status(): Promise<string> {
      return (await files.read('info/last_cmd_status')).trim()
    }

    it('makes a group, lists it, and removes it, twice without complaint', async function () {
      const group = await make(this, 'a')
      assert.ok((await resctrl.groups()).includes(group))
      assert.deepEqual(await resctrl.threads(group), [])
      await resctrl.remove(group)
      await resctrl.remove(group)
      assert.ok(!(await resctrl.groups()).includes(group))
    })

    it('gives a group its ways in every cache, and says so when it is read', async function () {
      const group = await make(this, 'a')
      const mask = maskOf(0, Math.max(2, allocation.waysMin))
      await resctrl.setWays(group, mask, allocation.domains)
      assert.deepEqual(await resctrl.ways(group), new Map(allocation.domains.map(id => [id, mask])))
    })

    it('refuses no ways, and more than there are, and leaves it as it was', async function () {
      const group = await make(this, 'a')
      const before = await resctrl.ways(group)
      for (const mask of [0, maskOf(0, allocation.ways + 1)]) {
        if (mask === 0 && allocation.waysMin === 0) continue
        await assert.rejects(resctrl.setWays(group, mask, allocation.domains), /Mask out of range|at least/)
        assert.deepEqual(await resctrl.ways(group), before)
      }
    })

    it('refuses ways with a gap between them where the processor does', async function () {
      const group = await make(this, 'a')
      const sparse = (await files.read('info/L3/sparse_masks').catch(() => '0')).trim() === '1'
      if (sparse || allocation.ways < 3) skip(this, 'this processor takes masks with gaps')
      await assert.rejects(resctrl.setWays(group, 0b101, allocation.domains), /non-consecutive/)
      assert.match(await status(), /non-consecutive 1-bits/)
    })

    it('refuses a cache that is not there', async function () {
      const group = await make(this, 'a')
      await assert.rejects(resctrl.setWays(group, maskOf(0, allocation.waysMin), [4_000]), { code: 'internal' })
    })

    it('moves a thread into a group, into another, and back to the root when its group goes', async function () {
      const [a, b] = [await make(this, 'a'), await make(this, 'b')]
      const thread = await tried.thread()
      await resctrl.assign(a, [thread])
      assert.deepEqual(await resctrl.threads(a), [thread])
      await resctrl.assign(b, [thread])
      assert.deepEqual(await resctrl.threads(a), [])
      assert.deepEqual(await resctrl.threads(b), [thread])
      await resctrl.remove(b)
      assert.ok((await resctrl.threads(ROOT_GROUP)).includes(thread))
    })

    it('moves those that live though one has ended', async function () {
      const group = await make(this, 'a')
      const [dead, living] = [await tried.deadThread(), await tried.thread()]
      await resctrl.assign(group, [dead, living])
      assert.deepEqual(await resctrl.threads(group), [living])
    })

    it('runs out of groups with a code that says so', async function () {
      const made: string[] = []
      await assert.rejects(
        async () => {
          for (let i = 0; i <= allocation.groupsMax; i++) {
            await resctrl.create(`${PREFIX}n${i}`)
            made.push(`${PREFIX}n${i}`)
          }
        },
        { code: 'limit_reached' }
      )
      assert.ok(made.length < allocation.groupsMax, `${made.length} besides the root, of ${allocation.groupsMax}`)
      const [one] = made
      if (one === undefined) skip(this, 'others have all groups')
      await resctrl.remove(one)
      await resctrl.create(one).catch((error: unknown) => {
        // A counter stays in use until what it counted has been pushed out; groups themselves are free at once.
        if (!(error instanceof CaresError && /RMIDs|EBUSY/.test(error.message))) throw error
      })
    })
  })
}
