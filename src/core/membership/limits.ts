/** Peers that a view holds, gone ones included: what one digest may carry. Beyond, newcomers displace the gone, and members everyone else. */
export const PEERS_MAX = 512

/** A gone peer that is no member is shown for so long, so that people see what happened, and then forgotten. */
export const FORGET_AFTER_MS = 300_000

/**
 * What others had under way when a connection closed may still arrive for so long; it says nothing about the time after. Without this, one
 * late gossip message would take a killed peer for alive.
 */
export const IN_FLIGHT_MS = 250

/**
 * A peer whose own clock ticks late is starved, and hears late as well: with each such tick it allows others one more time the silence, up to
 * this, and takes it back in small steps (Lifeguard's local health, arXiv 1707.00788). It may be wrong about the living for less long than
 * others may be wrong about it.
 */
export const DOUBT_MAX = 4
export const DOUBT_DECAY = 1 / 16

/** A heartbeat may be late by half its interval before its sender counts as silent: timers drift, messages are lost. */
export const FRESH_INTERVALS = 1.5

/** A sender that has missed so many of its own intervals is gone, where nobody else watches it. */
export const GONE_INTERVALS = 3
