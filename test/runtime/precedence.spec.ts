import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { getPriority } from 'node:os'

/** In a process of its own, whose own precedence is nobody else's. */
function run(code: string): string {
  const imports = {
    takePrecedence: 'runtime/precedence',
    startProcess: 'runtime/process-program',
    createSystemClock: 'daemon/system-clock'
  }
  const from = Object.entries(imports).map(
    ([name, path]) => `import { ${name} } from '${new URL(`../../src/${path}.ts`, import.meta.url).href}'`
  )
  const text = [...from, "import { readFileSync } from 'node:fs'", "import { getPriority } from 'node:os'", code].join('\n')
  return execFileSync(process.execPath, ['--input-type=module', '--eval', text], { encoding: 'utf8' })
}

describe('the precedence of a peer', () => {
  it('is taken where the operating system allows it, and not inherited by what the peer runs', () => {
    const told = run(`
      const before = getPriority()
      const taken = takePrecedence()
      const program = await startProcess({ executable: '/bin/sleep', args: ['60'] }, { env: {}, port: 0, clock: createSystemClock() })
      const [child] = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').split(' ').map(Number)
      console.log(JSON.stringify({ before, taken, own: getPriority(), child: getPriority(child) }))
      process.kill(-child, 'SIGKILL')
    `)
    const { before, taken, own, child } = JSON.parse(told) as { before: number; taken: boolean; own: number; child: number }
    assert.equal(before, getPriority())
    assert.equal(own, taken ? Math.min(before, -5) : before)
    assert.equal(child, taken ? Math.max(before, 0) : before)
  })
})
