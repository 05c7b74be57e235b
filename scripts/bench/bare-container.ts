import type { Duplex } from 'node:stream'
import Docker from 'dockerode'
import type { Containerd } from '../../src/runtime/containerd.ts'

/** The limits that functions get, too. */
const LIMITS = { NanoCpus: 1e9, PidsLimit: 512, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges:true'] }

/**
 * A one-shot container with the fewest questions to the engine that give an answer, and nothing around them: what an engine takes by itself, beside
 * which the figures of CARES stand.
 */
export class BareContainer {
  readonly #container: Docker.Container
  readonly #input: Duplex
  readonly #output: Duplex

  private constructor(container: Docker.Container, input: Duplex, output: Duplex) {
    this.#container = container
    this.#input = input
    this.#output = output
  }

  /** Makes and starts it; its program waits on stdin then. */
  static async start(image: string, memoryBytes: number): Promise<BareContainer> {
    const limits = { ...LIMITS, Memory: memoryBytes, MemorySwap: memoryBytes, NetworkMode: 'none', LogConfig: { Type: 'none', Config: {} } }
    const container = await new Docker().createContainer({ Image: image, OpenStdin: true, StdinOnce: true, HostConfig: limits })
    const [output, input] = (await Promise.all([
      container.attach({ stream: true, stdout: true, stderr: true, hijack: true }),
      container.attach({ stream: true, stdin: true, hijack: true })
    ])) as [Duplex, Duplex]
    input.resume().on('error', () => {}) // It may end before its input does.
    await container.start()
    return new BareContainer(container, input, output)
  }

  /**
   * Gives it its input. Tells after how many milliseconds its output began, and ended; and, asked of containerd, its exit was known: no answer can be
   * given sooner that says whether the program worked.
   */
  async ask(text: string, containerd?: Pick<Containerd, 'exitStatus'>): Promise<{ firstMs: number; endMs: number; exitMs: number }> {
    const exited = containerd?.exitStatus(this.#container.id)
    const startedAtMs = performance.now()
    let exitMs = Number.NaN
    const told = exited?.then(status => {
      if (status !== undefined) exitMs = performance.now() - startedAtMs
    })
    this.#input.end(text)
    let firstMs = Number.NaN
    for await (const _ of this.#output) firstMs = Number.isNaN(firstMs) ? performance.now() - startedAtMs : firstMs
    this.#input.destroy()
    const endMs = performance.now() - startedAtMs
    await told
    return { firstMs, endMs, exitMs }
  }

  async remove(): Promise<void> {
    await this.#container.remove({ force: true })
  }
}
