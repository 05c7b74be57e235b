/* A process of its own: persists and applies entries one by one for ever, and prints each index once it is acknowledged. */
import { writeSync } from 'node:fs'
import { noTasks } from '../../../src/core/tasks/apply-changes.ts'
import { SqliteStore } from '../../../src/store/sqlite-store.ts'
import { sampleFunction } from '../../support/samples.ts'

const store = new SqliteStore({ dataDir: process.argv[2] ?? '' })
await store.start()
let { entries, appliedIndex } = await store.load()
for (let index = entries.length + 1; ; index++) {
  await store.persist({ append: [{ index, term: 1, kind: 'command', command: Buffer.alloc(2_000, index) }] })
  // One behind, so that a kill can fall between the two.
  writeSync(1, `${index}\n`)
  appliedIndex = index
  const functions = new Map([['thumb', sampleFunction({ revision: appliedIndex })]])
  store.apply([], { functions, removed: new Map(), draining: new Set(), tasks: noTasks(), remembered: new Map() }, appliedIndex)
  await store.flush()
}
