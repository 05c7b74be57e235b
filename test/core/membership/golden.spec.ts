import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { runTranscript } from './transcript.ts'

const FOLDER = new URL('../../golden/membership/', import.meta.url)

describe('membership transcripts', () => {
  const files = readdirSync(FOLDER).filter(file => file.endsWith('.txt'))
  assert.ok(files.length > 0)
  for (const file of files) {
    it(file.replace('.txt', '').replaceAll('-', ' '), () => {
      const golden = readFileSync(new URL(file, FOLDER), 'utf8')
      const got = runTranscript(golden)
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(new URL(file, FOLDER), got)
      else assert.equal(got, golden, 'UPDATE_GOLDEN=1 npm test rewrites it; review the diff')
    })
  }
})
