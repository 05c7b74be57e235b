import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Edit } from './mutant.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** All that the simulators and the directed tests need. */
const COPIED = [
  ...['core', 'daemon', 'model', 'network', 'simulate', 'store', 'wire', 'runtime'].map(room => `src/${room}`),
  ...['compliance', 'core/consensus', 'core/tasks', 'daemon', 'golden', 'support'].map(folder => `test/${folder}`),
  'package.json'
]

/** A copy of what is simulated, and of its tests, in a temporary directory, with a bug in it. Production code has no switches for bugs. */
export class PlantedCopy {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  /** Throws when an edit does not fit exactly once. */
  static async create(edits: readonly Edit[]): Promise<PlantedCopy> {
    const copy = new PlantedCopy(await mkdtemp(join(tmpdir(), 'cares-mutant-')))
    try {
      for (const path of COPIED) await cp(join(ROOT, path), join(copy.root, path), { recursive: true })
      await symlink(join(ROOT, 'node_modules'), join(copy.root, 'node_modules'))
      for (const edit of edits) await copy.#apply(edit)
      return copy
    } catch (error) {
      await copy.remove()
      throw error
    }
  }

  async #apply(edit: Edit): Promise<void> {
    const path = join(this.root, edit.file)
    await writeFile(path, plant(await readFile(path, 'utf8'), edit))
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true })
  }
}

/** The text of a file with the bug in it. Throws when the edit does not fit exactly once. */
export function plant(text: string, { file, find, replace }: Edit): string {
  const found = text.split(find).length - 1
  if (found !== 1) throw new Error(`${file} has ${found} times, not once: ${find}`)
  // A function, so that `$` in the text means itself.
  return text.replace(find, () => replace)
}
