import { generateIdentity } from '../../src/network/identity.ts'
import { transportCompliance } from '../compliance/transport.ts'
import { createTestTransport } from './test-transport.ts'

transportCompliance('libp2p', async () => ({
  create: () => createTestTransport(),
  nobody: async () => (await generateIdentity()).id
}))

transportCompliance('libp2p with a secret', async () => ({
  create: () => createTestTransport({ secret: 'secret-of-this-test' }),
  nobody: async () => (await generateIdentity()).id
}))
