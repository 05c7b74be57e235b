import type { PeerId } from '../../src/model/ids.ts'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { MemoryNetwork } from '../../src/simulate/memory-transport.ts'
import { transportCompliance } from '../compliance/transport.ts'
import { createTestLog } from '../support/test-log.ts'

function world(delayMs: number) {
  return async () => {
    const network = new MemoryNetwork({ delayMs: () => delayMs }, { clock: createSystemClock(), log: createTestLog() })
    let count = 0
    const create = async () => {
      count += 1
      return network.transport(`peer-${count}` as PeerId)
    }
    return { create, nobody: async () => 'nobody' as PeerId }
  }
}

transportCompliance('in memory', world(0))
transportCompliance('in memory, with a delay', world(1))
