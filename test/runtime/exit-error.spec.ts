import assert from 'node:assert/strict'
import { CaresError } from '../../src/model/errors.ts'
import type { Exit } from '../../src/runtime/driver.ts'
import { exitError } from '../../src/runtime/exit-error.ts'
import { sampleFunction } from '../support/samples.ts'

const fn = sampleFunction({ name: 'ocr', memoryBytes: 64 * 2 ** 20 })
const ended = (exit: Partial<Exit>): CaresError =>
  exitError(fn, { exitCode: 1, outOfMemory: false, ...exit }, 'the end of stderr', { code: 'function_failed', during: ' while it worked' })

describe('the error of a program that did not end well', () => {
  for (const [exitCode, words, hint] of [
    [3, 'ocr exited with code 3 while it worked', /cares logs ocr/],
    [126, 'ocr exited with code 126 while it worked', /may not be executed/],
    [127, 'ocr exited with code 127 while it worked', /not in the image/],
    [137, 'ocr was ended by SIGKILL (exit code 137) while it worked', /limit was not reached/],
    [139, 'ocr was ended by SIGSEGV (exit code 139) while it worked', /cares logs ocr/],
    [255, 'ocr exited with code 255 while it worked', /cares logs ocr/]
  ] as const) {
    it(`says of exit code ${exitCode}: ${words}`, () => {
      const error = ended({ exitCode })
      assert.deepEqual([error.code, error.message], ['function_failed', words])
      assert.match(error.hint ?? '', hint)
      assert.deepEqual(error.details, { exitCode, stderr: 'the end of stderr' })
    })
  }

  for (const [stderr, code] of [
    ['exec /prog: exec format error\n', 'image_unsupported'],
    ['standard_init_linux.go:228: exec user process caused: exec format error', 'image_unsupported'],
    ['ready\nexec /prog: exec format error', 'function_failed'],
    ['sh: ./tool: exec format error', 'function_failed']
  ] as const) {
    it(`takes ${JSON.stringify(stderr)} for ${code}`, () => {
      assert.equal(exitError(fn, { exitCode: 255, outOfMemory: false }, stderr, { code: 'function_failed' }).code, code)
    })
  }

  it('is told apart when the memory limit ended it', () => {
    const error = ended({ exitCode: 137, outOfMemory: true })
    assert.equal(error.code, 'out_of_memory')
    assert.equal(error.message, 'ocr was killed at its memory limit of 64Mi (exit 137) while it worked')
  })

  it("is the engine's own when that has lost the program", () => {
    const lost = new CaresError('runtime_unavailable', 'the engine is gone')
    assert.equal(ended({ exitCode: 137, lost }), lost)
  })
})
