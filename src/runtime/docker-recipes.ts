import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import type { HealthCommand } from './docker-health.ts'
import type { Owner } from './docker-labels.ts'
import { type ContainerRecipe, containerRecipe } from './docker-options.ts'

/** What is worked out once for all containers of a function's revision. */
export interface Recipe {
  readonly options: ContainerRecipe
  /** The image's own check, where it decides when the function is ready. */
  readonly health: HealthCommand | undefined
}

/** What a recipe is made of, beside the name: a function that is removed and uploaded anew may have an old number, and be another. */
const INGREDIENTS = ['digest', 'contract', 'cpus', 'memoryBytes', 'network', 'readyPath'] as const

/** What {@link DockerRecipes} must know to work one out. */
export interface RecipesComponents {
  readonly owner: Owner
  /** Cores of the engine's machine. */
  readonly cpus: () => Promise<number>
  /** The HEALTHCHECK of an image. Throws as the engine does. */
  readonly health: (digest: Digest) => Promise<HealthCommand | undefined>
}

/** The recipes of the registered functions: no start asks the engine what an earlier one has asked. */
export class DockerRecipes {
  readonly #components: RecipesComponents
  readonly #known = new Map<string, { readonly fn: FunctionRecord; readonly recipe: Promise<Recipe> }>()

  constructor(components: RecipesComponents) {
    this.#components = components
  }

  /** Forgets those of all other functions. */
  keep(functions: readonly FunctionRecord[]): void {
    const keys = new Set(functions.map(functionKey))
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key)
  }

  /** Worked out at the first time, and with `isKept: false` each time. Throws as the engine does, with 404 while the image is not here. */
  of(fn: FunctionRecord, { isKept }: { isKept: boolean }): Promise<Recipe> {
    const key = functionKey(fn)
    const known = this.#known.get(key)
    if (known !== undefined && INGREDIENTS.every(name => known.fn[name] === fn[name])) return known.recipe
    const recipe = this.#make(fn)
    if (!isKept) return recipe
    this.#known.set(key, { fn, recipe })
    recipe.catch(() => this.#known.delete(key))
    return recipe
  }

  async #make(fn: FunctionRecord): Promise<Recipe> {
    const { owner, cpus, health: healthOf } = this.#components
    const cpusMax = await cpus()
    const health = fn.contract === 'http' && fn.readyPath === undefined ? await healthOf(fn.digest) : undefined
    return { options: containerRecipe({ fn, owner, cpusMax, isChecked: health !== undefined }), health }
  }
}
