/*
 * What the tables may grow to. They are part of what the log means, so every peer must have the same values: raising one needs a new wire
 * version.
 */

/** Tasks that are known at once, those that are over included. At about 1 KiB each, 100 MB on every peer. */
export const TASKS_MAX = 100_000

/** Room that all tasks take together, in bytes: half of the snapshot that a new peer may be sent, whatever base 64 and JSON add. */
export const TASKS_BYTES_MAX = 134_217_728

/** When a limit is reached, so large a share of the tasks that are over is forgotten at once: finding the oldest costs a look at all. */
export const FORGET_RATIO = 0.1

/** Attempts that a record tells of: the newest. A task may be handed back and forth more often than anyone wants to read. */
export const ATTEMPTS_KEPT = 8

/** The end of what a failed attempt wrote to stderr, in UTF-16 units. */
export const STDERR_CHARS_MAX = 4_096

/** A client's name for a task. A UUID has 36 characters. */
export const KEY_CHARS_MAX = 256
