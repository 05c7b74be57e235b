import { appendFileSync } from 'node:fs'
import Mocha from 'mocha'

/**
 * Mocha's `spec` reporter, which closes with `N passed, N failed, N skipped` and lists what was skipped. With
 * `--reporter-option counts=FILE` it also adds the three numbers to FILE as a line, so that several runs can be summed up.
 */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const skipped: string[] = []
    runner.on('pending', test => skipped.push(test.fullTitle()))
    runner.once('end', () => {
      const { passes, failures } = this.stats
      if (skipped.length > 0) console.log(['  skipped:', ...skipped].join('\n    - '))
      console.log(`\n${passes} passed, ${failures} failed, ${skipped.length} skipped\n`)
      const { counts } = (options.reporterOptions ?? {}) as { counts?: string }
      if (counts !== undefined) appendFileSync(counts, `${passes} ${failures} ${skipped.length}\n`)
    })
  }
}
