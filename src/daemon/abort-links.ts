/** Abort listeners that are removed together. One added for a signal that has aborted already is called at once. */
export class AbortLinks {
  readonly #stop = new AbortController()

  add(signal: AbortSignal, onAbort: (reason: unknown) => void): void {
    if (signal.aborted) onAbort(signal.reason)
    else signal.addEventListener('abort', () => onAbort(signal.reason), { once: true, signal: this.#stop.signal })
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }
}
