/** A part of a peer with a life of its own. Both methods may be called twice. */
export interface Startable {
  start(): Promise<void>
  /** Resolves only when nothing of the part runs any more. */
  stop(): Promise<void>
}
