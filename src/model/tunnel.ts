import type { TaskId } from './task.ts'

/** What the peer sends that a client of a published service has connected to. The page is `protocols/tunnel.md`. */
export type TunnelUp =
  /** Connect to the program of this service. */
  | { readonly type: 'open'; readonly task: TaskId }
  /** What the client has sent. */
  | { readonly type: 'body'; readonly chunk: Uint8Array }

/** What the worker sends on which the service runs. */
export type TunnelDown =
  /** The program has taken the connection. */
  | { readonly type: 'opened' }
  /** What it has sent. */
  | { readonly type: 'body'; readonly chunk: Uint8Array }
