/**
 * Most peers in a view, gone ones included: as many as one digest may carry. In a full view a newcomer replaces a gone peer that is no member; a member
 * may even replace a live one.
 */
export const PEERS_MAX = 512

/** A gone peer that is no member is shown for so long, so that people see what happened, and then forgotten. */
export const FORGET_AFTER_MS = 300_000

/**
 * Messages that were under way when a connection closed may arrive for this much longer: they do not prove that the peer lives on. Without this, one
 * late gossip message would bring a killed peer back to life. The longer of a quarter of `reportMs`, which is 500 ms in the preset `wan`: gossip that takes
 * two hops of 200 ms; and 250 ms, for which a busy machine may leave it unread.
 */
export const IN_FLIGHT = { msMin: 250, reportRatio: 1 / 4 }

/**
 * A peer that ticks late gets too little processor time, and so hears others late as well. With each late tick its doubt rises by 1, up to this: it
 * waits `1 + doubt` times as long before it takes silence for a failure (Lifeguard's local health, arXiv 1707.00788). Five times at most: in the preset
 * `lan`, 15 s instead of 3 until a peer is suspect; beyond that, work would be sent to the dead for longer than it is kept from the living.
 */
export const DOUBT_MAX = 4
/**
 * By how much each tick in time lowers the doubt again: 16 of them take one late tick back, which is 6 s in the preset `lan` (a tick is an eighth of
 * `suspectAfterMs`). So a machine that stalls every few seconds stays in doubt, and one that did once is rid of it soon.
 */
export const DOUBT_DECAY = 1 / 16

/**
 * A heartbeat may be late by half its interval before its sender counts as silent. Its interval is told with it and has its jitter of a fifth in it: the half
 * is for a message that waits for a busy machine, 600 ms of 1.2 s in a small cluster with the preset `lan`.
 */
export const FRESH_INTERVALS = 1.5

/** A sender that has missed so many of its own intervals is gone, where nobody else watches it: one may be lost, and one late, by chance. */
export const GONE_INTERVALS = 3
