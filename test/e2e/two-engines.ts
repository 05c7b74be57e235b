import { EXAMPLE_IMAGES, makeImages } from '../../scripts/images.ts'
import { skip } from '../support/skip.ts'
import { Cluster } from './cluster.ts'
import { engine } from './engine.ts'
import { SecondEngine } from './second-engine.ts'

/** Two peers with a Docker engine each: `peer-0` with the machine's own, which has the images, and `far` with one that has nothing yet. */
export class TwoEngines {
  readonly cluster: Cluster
  readonly second: SecondEngine

  private constructor(cluster: Cluster, second: SecondEngine) {
    this.cluster = cluster
    this.second = second
  }

  /** Starts them, or skips the tests of `context` where that takes more than this machine has. */
  static async start(context: Mocha.Context): Promise<TwoEngines> {
    if (process.getuid?.() !== 0 || !(await engine.answers())) skip(context, 'it takes root and a Docker engine')
    await makeImages(EXAMPLE_IMAGES)
    const second = await SecondEngine.start()
    const cluster = await Cluster.start({ runtime: 'docker', peers: 1 })
    await cluster.add('far', [], { DOCKER_HOST: second.host })
    await cluster.settled()
    return new TwoEngines(cluster, second)
  }

  async stop(): Promise<void> {
    await this.cluster.stop()
    await this.second.stop()
  }
}
