/** The exchanges that this peer serves now, so that it can see them through before it goes. */
export class Serving {
  readonly #running = new Set<Promise<void>>()

  /** Passes the promise of a handler on. */
  track(handled: Promise<void>): Promise<void> {
    const onEnd = (): void => void this.#running.delete(ended)
    const ended: Promise<void> = handled.then(onEnd, onEnd) // Whether it ended well is its caller's business.
    this.#running.add(ended)
    return handled
  }

  /** Resolves when all that are served now have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }
}
