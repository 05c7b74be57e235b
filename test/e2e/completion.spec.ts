import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type FakeApi } from '../faces/fake-api.ts'
import { startHealthyApi } from '../faces/healthy-api.ts'
import { TestTerminal } from './terminal.ts'
import { skip } from '../support/skip.ts'

const LAUNCHER = fileURLToPath(new URL('../../src/cares.js', import.meta.url))

/** How each shell is started without its user's settings, and how it learns to complete. */
const SHELLS = {
  bash: { start: 'bash --norc -i', learn: 'source <(cares completion bash)' },
  zsh: { start: 'zsh -f -i', learn: 'autoload -Uz compinit && compinit -u -D && source <(cares completion zsh)' },
  fish: { start: 'fish --no-config', learn: 'cares completion fish | source' }
} as const

describe('completion in a real shell', () => {
  let folder = ''
  let api: FakeApi
  before('needs tmux', async function () {
    if (!(await TestTerminal.isPossible())) skip(this, 'there is no tmux: apt-get install tmux')
    folder = await mkdtemp(join(tmpdir(), 'cares-completion-'))
    await writeFile(join(folder, 'cares'), `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`)
    await chmod(join(folder, 'cares'), 0o755)
    api = await startHealthyApi()
  })
  after(async () => {
    if (folder === '') return
    await api[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  for (const [shell, { start, learn }] of Object.entries(SHELLS)) {
    it(`completes commands, flags and live names in ${shell}`, async function () {
      if (!(await isInstalled(shell))) skip(this, `there is no ${shell}: apt-get install ${shell}`)
      const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder, CARES_API: api.url, TERM: 'xterm' }
      const terminal = await TestTerminal.open({ name: shell, env, command: start })
      try {
        await terminal.type(`${learn}; echo rea''dy`)
        await terminal.press('Enter')
        await terminal.shows(/^ready$/m)
        await terminal.type('cares inv')
        await terminal.press('Tab')
        await terminal.shows(/cares invoke$/m)
        await terminal.type('th')
        await terminal.press('Tab')
        await terminal.shows(/cares invoke thumb$/m)
        await terminal.type('--on b')
        await terminal.press('Tab')
        await terminal.shows(/--on birch$/m)
        await terminal.type('--idem')
        await terminal.press('Tab')
        assert.match(await terminal.shows(/--on birch --idempotency-key/), /cares invoke thumb --on birch/)
      } finally {
        await terminal.close()
      }
    })
  }
})

async function isInstalled(shell: string): Promise<boolean> {
  return await promisify(execFile)(shell, ['--version']).then(
    () => true,
    () => false
  )
}
