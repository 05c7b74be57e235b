import { ChangeSignal } from '../../src/daemon/change-signal.ts'
import { EventLog } from '../../src/daemon/telemetry/event-log.ts'
import type { PeerListing, PeerService } from '../../src/model/service.ts'
import { ATLAS, sampleListing } from '../support/samples.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** What happens at a peer, for a service to tell of. */
export interface News {
  readonly script: Pick<PeerService, 'eventsAfter' | 'lastEventId' | 'onChange' | 'peers' | 'peer'>
  /** How many listen. */
  readonly listeners: number
  /** So many peers join, in one moment. */
  emit(count?: number): void
  /** From now on these are the peers. */
  setPeers(peers: readonly PeerListing[]): void
}

/** A peer that has seen nothing yet, and knows of atlas only. */
export function createNews(peers: readonly PeerListing[] = [sampleListing()]): News {
  const events = new EventLog({ clock: new ManualClock() })
  const changes = new ChangeSignal()
  let now = peers
  let listeners = 0
  return {
    script: {
      eventsAfter: id => events.after(id),
      lastEventId: () => events.lastId,
      onChange: listener => {
        listeners++
        const subscription = changes.subscribe(listener)
        return {
          [Symbol.dispose]: () => {
            listeners--
            subscription[Symbol.dispose]()
          }
        }
      },
      peers: () => now,
      peer: name => {
        const found = now.find(({ profile }) => profile.name === name || profile.id === name)
        if (found === undefined) throw new Error(`no peer ${name}`)
        return found
      }
    },
    get listeners() {
      return listeners
    },
    emit: (count = 1) => {
      for (let i = 0; i < count; i++) events.emit('peer:joined', { peer: ATLAS, name: 'atlas' })
      changes.notify()
    },
    setPeers: peers => {
      now = peers
      changes.notify()
    }
  }
}
