import assert from 'node:assert/strict'
import { COMMAND_VERSION, versionOfCommand } from '../../../src/core/registry/command-version.ts'
import type { TaskChange, TaskId } from '../../../src/model/task.ts'
import { sampleSubmit, sampleTaskSpec } from '../../support/sample-task.ts'

const AT = '2026-01-01T00:00:01.000Z'
const ID = 't-1' as TaskId

const versionOf = (...changes: readonly TaskChange[]): number => versionOfCommand({ type: 'tasks', changes })

describe('the version of a command', () => {
  it('is that of what is newest in it', () => {
    const job = sampleSubmit()
    const service = sampleSubmit({ spec: sampleTaskSpec({ service: {} }) })
    assert.equal(versionOf(job, { type: 'cancel', id: ID, at: AT }), 1)
    assert.equal(versionOf(job, service, job), 2)
    assert.equal(versionOf({ type: 'health', id: ID, attempt: 1, health: 'healthy', at: AT }), 2)
    assert.ok(COMMAND_VERSION >= 2)
  })
})
