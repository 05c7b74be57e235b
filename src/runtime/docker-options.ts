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

/** What is asked of the engine for one container. */
export interface ContainerWish {
  readonly fn: FunctionRecord
  readonly owner: Owner
  readonly env: Readonly<Record<string, string>>
  /** GPUs of the machine, by their ids. */
  readonly gpuIds: readonly string[]
  /** Name of the engine's network. */
  readonly network: string
  /** Cores of the engine's machine, the most that it accepts as a limit. */
  readonly cpusMax: number
  /** Instead of the image's own command. @default the image's own */
  readonly args?: readonly string[] | undefined
}

/**
 * The options of a function's container: its limits are hard, swap is off, all capabilities are dropped and none can be gained. The image's own
 * user and file system stay, since images rely on them.
 */
export function containerOptions({ fn, owner, env, gpuIds, network, cpusMax, args = [] }: ContainerWish): ContainerCreateOptions {
  const memoryBytes = Math.max(MEMORY_BYTES_MIN, fn.memoryBytes)
  const isStdio = fn.contract === 'stdio'
  const limits: HostConfig = {
    NanoCpus: Math.round(Math.min(fn.cpus, cpusMax) * 1e9),
    Memory: memoryBytes,
    // Memory and swap together: so there is no swap, and a program over its limit ends instead of slowing down the machine.
    MemorySwap: memoryBytes,
    PidsLimit: PIDS_MAX,
    ...(gpuIds.length === 0 ? {} : { DeviceRequests: [{ DeviceIDs: [...gpuIds], Capabilities: [['gpu']] }] })
  }
  const isolation: HostConfig = {
    NetworkMode: network,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    // The engine forwards DNS questions even from networks without a way out (CVE-2024-29018); to a server that does not exist, it cannot.
    ...(fn.network === 'none' && !isStdio ? { Dns: ['127.0.0.1'] } : {})
  }
  return {
    // For people who look at `docker ps`; the random part keeps two containers of a function apart.
    name: `cares-${fn.name}-${randomBytes(6).toString('hex')}`,
    Image: fn.digest,
    ...(args.length === 0 ? {} : { Cmd: [...args] }),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...ownLabels(owner, fn.contract), [LABEL.function]: functionKey(fn) },
    // Nobody here asks the engine how a container is, and each look of its own costs a program started inside.
    Healthcheck: { Test: ['NONE'] },
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
