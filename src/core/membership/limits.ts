/**
 * Most peers in a view, gone ones included: as many as one digest may carry. In a full view a newcomer replaces a gone peer that is no member; a member
 * may even replace a live one.
 */
export const PEERS_MAX = 512

/** A gone peer that is no member is shown for so long, so that people see what happened, and then forgotten. */
export const FORGET_AFTER_MS = 300_000

/**
 * Messages that were under way when a connection closed may arrive for this much longer: they do not prove that the peer lives on. Without this, one
 * late gossip message would bring a killed peer back to life.
 */
export const IN_FLIGHT_MS = 250

/**
 * A peer that ticks late gets too little processor time, and so hears others late as well. With each late tick its doubt rises by 1, up to this: it
 * waits `1 + doubt` times as long before it takes silence for a failure (Lifeguard's local health, arXiv 1707.00788).
 */
export const DOUBT_MAX = 4
/** By how much each tick in time lowers the doubt again. */
export const DOUBT_DECAY = 1 / 16

/** A heartbeat may be late by half its interval before its sender counts as silent: timers drift, messages are lost. */
export const FRESH_INTERVALS = 1.5

/** A sender that has missed so many of its own intervals is gone, where nobody else watches it. */
export const GONE_INTERVALS = 3
