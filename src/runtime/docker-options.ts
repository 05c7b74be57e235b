import { randomBytes } from 'node:crypto'
import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import { LABEL, type Owner, ownLabels } from './docker-labels.ts'

/** The engine refuses to start a container with less. */
const MEMORY_BYTES_MIN = 6 * 2 ** 20

/** Processes and threads in one container: several times what a runtime with a thread pool per core starts, and an end to fork bombs. */
const PIDS_MAX = 512

/** What `docker logs` can still show of a server: enough to look at, too little to fill a disk with 256 containers. */
const LOG_OPTIONS = { 'max-size': '1m', 'max-file': '1' }

/** What all containers of one revision of a function have in common. */
export interface RecipeWish {
  readonly fn: FunctionRecord
  readonly owner: Owner
  /** Cores of the engine's machine, the most that it accepts as a limit. */
  readonly cpusMax: number
  /** Whether the engine is to run the image's HEALTHCHECK. */
  readonly isChecked: boolean
}

/** What is one container's own. */
export interface ContainerWish {
  /** Name of the function. */
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  /** GPUs of the machine, by their ids. */
  readonly gpuIds: readonly string[]
  /** Name of the engine's network. */
  readonly network: string
  /** Instead of the image's own command. @default the image's own */
  readonly args?: readonly string[] | undefined
}

/** The options of a function's containers that are known before there is one; see {@link containerOptions}. */
export type ContainerRecipe = ContainerCreateOptions & { readonly HostConfig: HostConfig }

/**
 * The options of a function's containers: their limits are hard, swap is off, all capabilities are dropped and none can be gained. The image's own
 * user and file system stay, since images rely on them.
 */
export function containerRecipe({ fn, owner, cpusMax, isChecked }: RecipeWish): ContainerRecipe {
  const memoryBytes = Math.max(MEMORY_BYTES_MIN, fn.memoryBytes)
  const isStdio = fn.contract === 'stdio'
  const limits: HostConfig = {
    NanoCpus: Math.round(Math.min(fn.cpus, cpusMax) * 1e9),
    Memory: memoryBytes,
    // Memory and swap together: so there is no swap, and a program over its limit ends instead of slowing down the machine.
    MemorySwap: memoryBytes,
    PidsLimit: PIDS_MAX
  }
  const isolation: HostConfig = {
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    // The engine forwards DNS questions even from networks without a way out (CVE-2024-29018); to a server that does not exist, it cannot.
    ...(fn.network === 'none' && !isStdio ? { Dns: ['127.0.0.1'] } : {})
  }
  return {
    Image: fn.digest,
    Labels: { ...ownLabels(owner, fn.contract), [LABEL.function]: functionKey(fn) },
    // Where nobody here asks the engine how a container is: each look of its own costs a program started inside.
    ...(isChecked ? {} : { Healthcheck: { Test: ['NONE'] } }),
    OpenStdin: isStdio,
    StdinOnce: isStdio,
    Tty: false,
    HostConfig: {
      ...limits,
      ...isolation,
      // A one-shot's output is streamed, so storing it would only cost time.
      LogConfig: isStdio ? { Type: 'none', Config: {} } : { Type: 'json-file', Config: LOG_OPTIONS }
    }
  }
}

/** What is asked of the engine for one container. */
export function containerOptions(
  recipe: ContainerRecipe,
  { name, env, gpuIds, network, args = [] }: ContainerWish
): ContainerCreateOptions & { readonly name: string } {
  return {
    ...recipe,
    // For people who look at `docker ps`; the random part keeps two containers of a function apart.
    name: `cares-${name}-${randomBytes(6).toString('hex')}`,
    ...(args.length === 0 ? {} : { Cmd: [...args] }),
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    HostConfig: {
      ...recipe.HostConfig,
      NetworkMode: network,
      ...(gpuIds.length === 0 ? {} : { DeviceRequests: [{ DeviceIDs: [...gpuIds], Capabilities: [['gpu']] }] })
    }
  }
}
