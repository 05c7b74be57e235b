import type { InvocationId, PeerId } from './ids.ts'

/** The streams of a program that lines are read from. */
export const LOG_STREAMS = ['stdout', 'stderr'] as const

/** One line that a container wrote to stderr (`stdio`), or to stdout or stderr (`http`). At most 8 KiB; longer ones are cut. */
export interface LogLine {
  /** RFC 3339, by the worker's clock. */
  readonly at: string
  readonly peer: PeerId
  readonly function: string
  /** Absent where a container serves many calls. */
  readonly invocation?: InvocationId | undefined
  readonly stream: (typeof LOG_STREAMS)[number]
  readonly text: string
}

/** Which lines: of one invocation or of one function, the newest `tail` of them, then, with `follow`, those to come. */
export interface LogQuery {
  readonly invocation?: InvocationId | undefined
  readonly function?: string | undefined
  /** 0 to 10,000. */
  readonly tail: number
  readonly follow: boolean
}
