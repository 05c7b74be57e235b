import type { EventName, EventRecord } from '../model/events.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Peer } from '../model/rest.ts'
import type { PeerListing, PeerService } from '../model/service.ts'
import { Pulse } from './pulse.ts'
import { peerView } from './views/peer-view.ts'

/** Texts kept for the readers of one beat; readers that want the same share one. */
const SHARED_TEXTS_MAX = 64

/** Events that a reader has not been sent yet, and how many before them are no longer kept. */
export interface News {
  readonly events: readonly EventRecord[]
  readonly missed: number
  /** Number of the newest event so far, wanted or not: where to go on. */
  readonly lastId: number
}

/**
 * What the readers of events and peers (server-sent events, WebSockets) share: one listener on the service, one rhythm ({@link Pulse}), and one text for
 * all that want the same. A reader has no queue: it remembers the number of the last event that it was sent, and reads on from there once its connection
 * has taken that. So a slow reader costs nothing, and a gap in the numbers tells it what it missed.
 */
export class Feed {
  readonly #service: PeerService
  readonly #pulse: Pulse
  readonly #peers = new Map<string, { readonly listing: PeerListing; readonly changedAtBeat: number }>()
  #peersAtBeat = -1
  #forgottenAtBeat = 0
  #readers = 0
  #watch: Disposable | undefined
  readonly #texts = new Map<string, Buffer>()
  #textsAtBeat = 0

  constructor({ service, clock }: { service: PeerService; clock: Clock }) {
    this.#service = service
    this.#pulse = new Pulse({ clock })
  }

  /** One more reader, until disposed. The service is watched while there is one. */
  join(): Disposable {
    if (this.#readers++ === 0) {
      this.#watch = this.#service.onChange(() => this.#pulse.notify())
      // While nobody read, nobody looked.
      this.#peersAtBeat = -1
    }
    return {
      [Symbol.dispose]: () => {
        if (--this.#readers > 0) return
        this.#watch?.[Symbol.dispose]()
        this.#watch = undefined
      }
    }
  }

  /** Makes a beat although nothing has changed: a reader wants something else. */
  nudge(): void {
    this.#pulse.notify()
  }

  /** Beats so far. What a reader sends between two beats is what was new at the first of them. */
  get beat(): number {
    return this.#pulse.beat
  }

  /** Resolves soon after something has changed since beat number `beat`, or when the signal aborts. */
  async after(beat: number, options: { signal: AbortSignal }): Promise<void> {
    await this.#pulse.after(beat, options)
  }

  /** Events with a number above `id` that are wanted. */
  news(id: number, isWanted: (event: EventRecord) => boolean): News {
    const kept = this.#service.eventsAfter(id)
    const newest = this.#service.lastEventId()
    const firstId = kept[0]?.id ?? newest + 1
    return { events: kept.filter(isWanted), missed: Math.max(0, firstId - id - 1), lastId: Math.max(id, newest) }
  }

  /** Peers of which something was new after beat number `beat`, as far as they are wanted; all of them after -1. */
  changedPeers(beat: number, isWanted: (peer: PeerListing) => boolean): readonly Peer[] {
    this.#lookAtPeers()
    return [...this.#peers.values()]
      .filter(({ listing, changedAtBeat }) => changedAtBeat > beat && isWanted(listing))
      .map(({ listing }) => peerView(listing))
  }

  /** Whether peers were forgotten after beat number `beat`: who knew them needs the whole list. */
  hasForgotten(beat: number): boolean {
    this.#lookAtPeers()
    return this.#forgottenAtBeat > beat
  }

  /**
   * What `make` makes, or has made for another reader of this beat under the same key. The key must say where a batch of events ends as well as where it
   * begins: more happen within a beat, and without readers that stay there is no next beat.
   */
  shared(key: string, make: () => string): Buffer {
    if (this.#textsAtBeat !== this.beat) this.#texts.clear()
    this.#textsAtBeat = this.beat
    const known = this.#texts.get(key)
    if (known !== undefined) return known
    const text = Buffer.from(make())
    if (this.#texts.size < SHARED_TEXTS_MAX) this.#texts.set(key, text)
    return text
  }

  /** Compares the peers with what they were at the last beat; at most once a beat. */
  #lookAtPeers(): void {
    const { beat } = this
    if (this.#peersAtBeat === beat) return
    this.#peersAtBeat = beat
    const listings = this.#service.peers()
    for (const listing of listings) {
      const { id } = listing.profile
      const known = this.#peers.get(id)
      if (known === undefined || isNews(known.listing, listing)) this.#peers.set(id, { listing, changedAtBeat: beat })
    }
    if (this.#peers.size === listings.length) return
    const ids = new Set(listings.map(({ profile }) => profile.id as string))
    for (const id of this.#peers.keys()) if (!ids.has(id)) this.#peers.delete(id)
    this.#forgottenAtBeat = beat
  }
}

/** Whether one listing says more than another, apart from the age of what it says. */
function isNews(a: PeerListing, b: PeerListing): boolean {
  return a.stats !== b.stats || a.profile !== b.profile || a.state !== b.state || a.role !== b.role || a.voter !== b.voter
}

/** Whether an event is of one of these types, for {@link Feed.news}. */
export function ofTypes(types: readonly EventName[] | undefined): (event: EventRecord) => boolean {
  return types === undefined ? () => true : ({ type }) => types.includes(type)
}
