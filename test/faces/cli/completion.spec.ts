import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { COMPLETION_SCRIPTS } from '../../../src/faces/cli/completion.ts'
import { startFakeApi } from '../fake-api.ts'
import { startHealthyApi } from '../healthy-api.ts'
import { INVOCATION_ID } from '../samples.ts'
import { run } from './run.ts'

describe('completion', () => {
  const cases: readonly (readonly [line: string, candidates: readonly string[]])[] = [
    ['re', ['remove', 'resume', 'recover']],
    ['inv', ['invoke']],
    ['zzz', []],
    ['invoke ', ['thumb', 'upper']],
    ['invoke th', ['thumb']],
    ['-o json invoke th', ['thumb']],
    ['invoke thumb ', []],
    ['invoke thumb --id', ['--idempotency-key']],
    ['invoke thumb --on ', ['atlas', 'birch', 'elm', 'dogwood', 'cedar']],
    ['invoke thumb -X PUT --on b', ['birch']],
    ['drain c', ['cedar']],
    ['nodes a', ['atlas']],
    ['cancel ', [INVOCATION_ID]],
    [`cancel ${INVOCATION_ID} `, [INVOCATION_ID]],
    ['upload x --contract ', ['auto', 'stdio', 'http']],
    ['upload x --contract=h', ['--contract=http']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['peers -o j', ['json', 'jsonl']],
    ['help dr', ['drain']],
    ['apply -f ', [':file']],
    ['--token-file ', [':file']]
  ]
  for (const [line, candidates] of cases) {
    it(`offers ${candidates.join(' ') || 'nothing'} after "cares ${line}"`, async () => {
      await using api = await startHealthyApi()
      const { code, stdout, stderr } = await run(['complete', '--', ...line.split(' ')], { api: api.url })
      assert.equal(code, 0)
      assert.equal(stderr, '')
      const offered = stdout.split('\n').slice(0, -1)
      assert.deepEqual(
        offered.map(each => each.split('\t')[0]),
        candidates
      )
    })
  }

  it('offers no name when no peer answers, and does not complain', async () => {
    const gone = await startFakeApi()
    await gone[Symbol.asyncDispose]()
    assert.deepEqual(await run(['complete', '--', 'invoke', ''], { api: gone.url }), { code: 0, stdout: '', stderr: '' })
  })

  it('waits for names no longer than half a second', async () => {
    await using api = await startFakeApi({ 'GET /v1/functions': () => {} })
    const asked: number[] = []
    const timeout = (ms: number): AbortSignal => {
      asked.push(ms)
      return AbortSignal.abort(new DOMException('too late', 'TimeoutError'))
    }
    assert.deepEqual(await run(['complete', '--', 'invoke', ''], { api: api.url, clock: { timeout } }), { code: 0, stdout: '', stderr: '' })
    assert.ok(asked.includes(500))
  })

  it('prints a script for each shell', async () => {
    for (const [shell, script] of Object.entries(COMPLETION_SCRIPTS))
      assert.deepEqual(await run(['completion', shell]), { code: 0, stdout: script, stderr: '' })
    assert.equal((await run(['completion', 'cmd'])).code, 2)
  })

  it('works in bash', () => {
    const cares = `cares() { [ "$1 $2 $3" = "complete -- invoke" ] && [ "$4" = th ] && printf 'thumb\\tacme/thumb\\nthird\\tx\\n'; }`
    const line = 'COMP_WORDS=(cares invoke th); COMP_CWORD=2; _cares; echo "${COMPREPLY[@]}"'
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', `${cares}\n${COMPLETION_SCRIPTS.bash}\n${line}`], { encoding: 'utf8' })
    assert.equal(stderr, '')
    assert.equal(stdout, 'thumb third\n')
  })
})
