import { applyCommand } from '../core/registry/apply-command.ts'
import { closest } from '../model/closest.ts'
import type { Outcome } from '../model/command.ts'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import { resolveSpec } from '../model/function-request.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { ImageInfo, Runtime } from '../model/ports/runtime.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import type { FunctionRequest, PutResult } from '../model/service.ts'
import type { Agreement } from './agreement.ts'

export interface FunctionsComponents {
  readonly agreement: Agreement
  readonly runtime: Runtime | null
  readonly tables: () => RegistryTables
  readonly clock: Clock
}

/** The functions of the cluster, as this peer's tables hold them, and the way to change them. */
export class Functions {
  readonly #components: FunctionsComponents

  constructor(components: FunctionsComponents) {
    this.#components = components
  }

  /** By name. */
  list(): readonly FunctionRecord[] {
    return [...this.#components.tables().functions.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  get(name: string): FunctionRecord {
    const { functions } = this.#components.tables()
    const found = functions.get(name)
    if (found !== undefined) return found
    const similar = closest(name, functions.keys())
    throw new CaresError('not_found', `no function named ${name}`, {
      hint: similar === undefined ? 'list the functions: cares functions' : `closest name: ${similar}`
    })
  }

  /** See `PeerService.putFunction`. */
  async put(
    request: FunctionRequest,
    options: {
      ifRevision?: number | undefined
      pull?: 'always' | 'missing' | 'never' | undefined
      dryRun?: boolean | undefined
      signal: AbortSignal
    }
  ): Promise<PutResult> {
    const { agreement, runtime, clock } = this.#components
    const { ifRevision, pull = 'missing', dryRun = false, signal } = options
    if (runtime === null) {
      throw new CaresError('runtime_unavailable', 'this peer runs no functions (--no-work), so it cannot look at images', {
        hint: 'upload through a peer that works'
      })
    }
    const info = await runtime.resolve(request.image, { pull, signal })
    const spec = resolveSpec(request, info)
    const because = spec.contract === info.contract ? info.because : `asked for (the image looks like ${info.contract}: ${info.because})`
    if (dryRun) return this.#dryRun(spec, info, { because, ifRevision })
    const { outcome } = await agreement.agree(
      {
        type: 'function-put',
        spec,
        digest: info.digest,
        imageBytes: info.bytes,
        at: clock.timestamp(),
        ...(ifRevision === undefined ? {} : { ifRevision })
      },
      { signal }
    )
    return { ...putResult(outcome), because }
  }

  async remove(
    name: string,
    { ifRevision, signal }: { ifRevision?: number | undefined; signal: AbortSignal }
  ): Promise<{ revision: number }> {
    const { agreement, clock } = this.#components
    this.get(name)
    const { outcome } = await agreement.agree(
      { type: 'function-remove', name, at: clock.timestamp(), ...(ifRevision === undefined ? {} : { ifRevision }) },
      { signal }
    )
    if (outcome.type === 'function-removed') return { revision: outcome.revision }
    throw refused(outcome)
  }

  #dryRun(
    spec: ReturnType<typeof resolveSpec>,
    info: ImageInfo,
    { because, ifRevision }: { because: string; ifRevision: number | undefined }
  ): PutResult {
    const { tables, clock } = this.#components
    const command = { type: 'function-put', spec, digest: info.digest, imageBytes: info.bytes, at: clock.timestamp() } as const
    const { outcome } = applyCommand(tables(), ifRevision === undefined ? command : { ...command, ifRevision })
    return { ...putResult(outcome), because }
  }
}

function putResult(outcome: Outcome): Omit<PutResult, 'because'> {
  switch (outcome.type) {
    case 'function-created':
      return { result: 'created', function: outcome.function }
    case 'function-updated':
      return { result: 'updated', function: outcome.function }
    case 'function-unchanged':
      return { result: 'unchanged', function: outcome.function }
    default:
      throw refused(outcome)
  }
}

function refused(outcome: Outcome): CaresError {
  if (outcome.type === 'refused') return new CaresError(outcome.code, outcome.message)
  return new CaresError('internal', `a command had the outcome of another: ${outcome.type}`)
}
