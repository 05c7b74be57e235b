/*
 * What the tables may grow to. They are part of what the log means, so every peer must have the same values: raising one needs a new
 * `COMMAND_VERSION`.
 */

/** Tasks that are known at once, those that are over included. At about 1 KiB each, 100 MB on every peer. */
export const TASKS_MAX = 100_000

/**
 * Room that all tasks take together, in bytes, counted so that their JSON in a snapshot never takes more: {@link TASKS_MAX} that are not over with 2 KB
 * each, or 2,300 with the largest results that are not kept apart.
 */
export const TASKS_BYTES_MAX = 201_326_592

/**
 * Of that, what each task has from its submission on for how it ends: the attempt that ends it, and the address of a large result, or a small one, or
 * why it failed. So no task that was accepted is stuck for want of room.
 */
export const OPEN_RESERVE_BYTES = 1_024

/** Of a result, what there is always room for, in bytes of JSON. */
export const RESULT_BYTES_KEPT = 256
/** The same of the message of a failure. */
export const MESSAGE_BYTES_KEPT = 128

/** When a limit is reached, so large a share of the tasks that are over is forgotten at once: finding the oldest costs a look at all. */
export const FORGET_RATIO = 0.1

/** Attempts that a record tells of: the newest. A task may be handed back and forth more often than anyone wants to read. */
export const ATTEMPTS_KEPT = 8

/** As long as the longest pause before another attempt: a service that ran for that long loses half of its time to pauses at most, if it has none. */
export const STAYED_UP_MS = 60_000

/** The end of what a failed attempt wrote to stderr, in UTF-16 units. */
export const STDERR_CHARS_MAX = 4_096
