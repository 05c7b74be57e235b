import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** One GPU of this machine that containers may be given. */
export interface Gpu {
  /** As the engine takes it: `GPU-8f6e…`. */
  readonly id: string
  readonly model: string
  readonly memoryBytes: number
}

/** Runs the inventory tool and gives what it prints. */
export type AskGpus = () => Promise<string>

/** A driver that hangs must not keep the peer from starting. */
const ASK_TIMEOUT_MS = 5_000
/** More than any machine has. */
const GPUS_MAX = 64

/** The machine's NVIDIA GPUs; none where the tool is missing, or has nothing to tell. */
export async function listGpus(ask: AskGpus = askNvidia): Promise<readonly Gpu[]> {
  let text: string
  try {
    text = await ask()
  } catch {
    // No driver, or none that answers: a machine without GPUs, as far as containers are concerned.
    return []
  }
  return text
    .split('\n')
    .flatMap(line => parseGpu(line) ?? [])
    .slice(0, GPUS_MAX)
}

/** The labels by which a function finds a peer with GPUs: how many, and of which model. */
export function gpuLabels(gpus: readonly Gpu[]): Readonly<Record<string, string>> {
  const [first] = gpus
  return first === undefined ? {} : { gpu: String(gpus.length), 'gpu-model': first.model.replaceAll(/\s+/g, '-') }
}

/** `GPU-8f6e…, NVIDIA L4, 23034`: id, model, MiB. */
function parseGpu(line: string): Gpu | undefined {
  const [id = '', model = '', mebibytes = ''] = line.split(',').map(part => part.trim())
  return /^(?:GPU|MIG)-[\w-]+$/.test(id) ? { id, model, memoryBytes: (Number(mebibytes) || 0) * 2 ** 20 } : undefined
}

async function askNvidia(): Promise<string> {
  const args = ['--query-gpu=uuid,name,memory.total', '--format=csv,noheader,nounits']
  return (await promisify(execFile)('nvidia-smi', args, { timeout: ASK_TIMEOUT_MS })).stdout
}
