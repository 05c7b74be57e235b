import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { generateIdentity } from '../../src/network/identity.ts'
import { createLibp2pTransport, type Libp2pTransport, type Libp2pTransportInit } from '../../src/network/libp2p-transport.ts'
import { createTestLog } from '../support/test-log.ts'

/** Half of it is for one address: a machine that is busy with other tests takes a second for the first handshakes of a process. */
const DIAL_MS = 10_000

/** A transport on a free loopback port with a new identity, not started. */
export async function createTestTransport(init: Partial<Libp2pTransportInit> = {}): Promise<Libp2pTransport> {
  const privateKey = init.privateKey ?? (await generateIdentity()).privateKey
  return createLibp2pTransport(
    { listen: ['/ip4/127.0.0.1/tcp/0'], dialMs: DIAL_MS, ...init, privateKey },
    { clock: createSystemClock(), log: createTestLog() }
  )
}
