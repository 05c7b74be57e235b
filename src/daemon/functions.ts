import { applyCommand } from '../core/registry/apply-command.ts'
import { closest } from '../model/closest.ts'
import type { Outcome } from '../model/command.ts'
import { defined } from '../model/defined.ts'
import { CaresError, toCaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import { resolveSpec } from '../model/function-request.ts'
import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Runtime } from '../model/ports/runtime.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import type { Transport } from '../model/ports/transport.ts'
import type { FunctionRequest, PeerService, PutResult } from '../model/service.ts'
import type { Agreement } from './agreement/agreement.ts'
import { ask } from './agreement/control-client.ts'

export interface FunctionsComponents {
  readonly agreement: Agreement
  readonly runtime: Runtime | null
  readonly tables: () => RegistryTables
  readonly orchestrator: () => PeerId | null
  readonly transport: Transport
  readonly log: Logger
  readonly clock: Clock
}

/** An election on a LAN is over by then. */
const FIND_TIMEOUT_MS = 2_000
const LOOK_AGAIN_MS = 20

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

  /**
   * As {@link get}; a name that is not here may have been uploaded through another peer a moment ago, so the orchestrator is asked before the
   * answer is no. While there is none, its election is waited for: it takes no longer than that to know.
   */
  async find(name: string, { signal }: { signal: AbortSignal }): Promise<FunctionRecord> {
    const { tables, orchestrator, transport, clock, log } = this.#components
    const known = tables().functions.get(name)
    if (known !== undefined) return known
    const giveUp = clock.timeout(FIND_TIMEOUT_MS)
    for (let here = tables().functions.get(name); ; here = tables().functions.get(name)) {
      if (here !== undefined) return here
      const peer = orchestrator()
      if (peer === transport.self || giveUp.aborted) return this.get(name)
      try {
        if (peer === null) {
          await clock.sleep(LOOK_AGAIN_MS, { signal })
          continue
        }
        const answer = await ask(transport, peer, { type: 'function', name }, { signal: AbortSignal.any([signal, giveUp]) })
        if (answer.type === 'function' && answer.record !== null) return answer.record
        return this.get(name)
      } catch (err) {
        signal.throwIfAborted()
        const { code } = toCaresError(err)
        if (code === 'not_found') throw err
        log.debug({ code, peer }, 'the orchestrator could not be asked for a function')
        await clock.sleep(LOOK_AGAIN_MS, { signal })
      }
    }
  }

  /** See `PeerService.putFunction`. */
  async put(request: FunctionRequest, options: Parameters<PeerService['putFunction']>[1]): Promise<PutResult> {
    const { agreement, runtime, tables, clock } = this.#components
    const { ifRevision, pull = 'missing', dryRun = false, signal } = options
    if (runtime === null) {
      throw new CaresError('runtime_unavailable', 'this peer runs no functions (--no-work), so it cannot look at images', {
        hint: 'upload through a peer that works'
      })
    }
    const { contract, port } = request
    const info = await runtime.resolve(request.image, { pull, wish: defined({ contract, port }), signal })
    const spec = resolveSpec(request, info)
    const because = spec.contract === info.contract ? info.because : `asked for (the image looks like ${info.contract}: ${info.because})`
    const command = {
      type: 'function-put',
      spec,
      digest: info.digest,
      imageBytes: info.bytes,
      at: clock.timestamp(),
      ...defined({ arch: info.arch, ifRevision })
    } as const
    const { outcome } = dryRun ? applyCommand(tables(), command) : await agreement.agree(command, { signal })
    return { ...putResult(outcome), because }
  }

  async remove(
    name: string,
    { ifRevision, signal }: { ifRevision?: number | undefined; signal: AbortSignal }
  ): Promise<{ revision: number }> {
    const { agreement, clock } = this.#components
    this.get(name)
    const { outcome } = await agreement.agree(
      { type: 'function-remove', name, at: clock.timestamp(), ...defined({ ifRevision }) },
      { signal }
    )
    if (outcome.type === 'function-removed') return { revision: outcome.revision }
    throw refused(outcome)
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
