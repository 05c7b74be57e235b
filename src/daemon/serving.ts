/** The exchanges that this peer serves now, so that it can see them through before it goes. */
export class Serving {
  readonly #running = new Set<Promise<void>>()

  /** Passes the promise of a handler on. */
  track(handled: Promise<void>): Promise<void> {
    const ended = handled.catch(() => {}).then(() => void this.#running.delete(ended))
    this.#running.add(ended)
    return handled
  }

  /** Resolves when all that are served now have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }
}
