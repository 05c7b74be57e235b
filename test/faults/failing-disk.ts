import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('failing-disk.c', import.meta.url))

/** What is wrong: `write` fails writes and syncs, `sync` syncs only, `tear` kills the process in the middle of the next page that it writes. */
export type DiskTrouble =
  | { readonly what: 'write' | 'sync'; readonly error: 'EIO' | 'EROFS'; readonly below: string }
  | { readonly what: 'tear'; readonly below: string }

/** Makes the disk of real processes fail, below one folder and from one moment to the next: a library between them and the kernel does it. */
export class FailingDisk implements Disposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Undefined where it cannot be made: no C compiler, no Linux. */
  static create(): FailingDisk | undefined {
    const disk = new FailingDisk(mkdtempSync(join(tmpdir(), 'cares-disk-')))
    try {
      if (process.platform !== 'linux') throw new Error('no LD_PRELOAD')
      execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', disk.#library, SOURCE, '-ldl'], { stdio: 'pipe' })
      return disk
    } catch {
      disk[Symbol.dispose]()
      return undefined
    }
  }

  /** For the environment of processes whose disk shall fail. */
  get env(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.#library, FAILING_DISK: this.#control }
  }

  /** From now on, and until another trouble or {@link repair}. */
  fail(trouble: DiskTrouble): void {
    const errno = trouble.what === 'tear' ? 0 : constants.errno[trouble.error]
    // At once: who reads a file that is just being written finds it empty.
    writeFileSync(`${this.#control}.new`, `${trouble.what} ${errno} ${trouble.below}\n`)
    renameSync(`${this.#control}.new`, this.#control)
  }

  repair(): void {
    rmSync(this.#control, { force: true })
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #library(): string {
    return join(this.#folder, 'failing-disk.so')
  }

  get #control(): string {
    return join(this.#folder, 'control')
  }
}
