/**
 * What the tables may grow to. They are part of what the log means, so every peer must have the same values: raising one needs a new
 * `COMMAND_VERSION`. A command beyond one is refused with `limit_reached`.
 */

/** Functions of one cluster. At about 1 kB each, 10 MB on every peer and in every snapshot. */
export const FUNCTIONS_MAX = 10_000

/** Texts of all functions together, in UTF-8: 16 MiB, a small part of a snapshot, of which tasks may take most. */
export const FUNCTIONS_BYTES_MAX = 16_777_216

/**
 * Removed names whose last revision is remembered. Five times {@link FUNCTIONS_MAX}: enough for years of pipelines that make a name a day
 * for each of many branches. Nothing is forgotten instead, because a forgotten name could come back with a smaller revision.
 */
export const TOMBSTONES_MAX = 50_000

/**
 * Commands whose outcome is remembered for retries. A gateway retries for some seconds at most, while an election is held; this many uploads take
 * longer than that.
 */
export const REMEMBERED_MAX = 512

/** Peers asked to drain: twice what a peer's view holds (`PEERS_MAX` of `core/membership`), as peers that left may still be in it. */
export const DRAINING_MAX = 1_024

/** All names and values of one function's environment, in UTF-8. Linux takes more, but settings that large belong into the image. */
export const ENV_BYTES_MAX = 32_768

/** Any single text of a spec that is not the environment (name, image, path), in UTF-8. A command line of the `process` runtime fits. */
export const TEXT_BYTES_MAX = 4_096

/** The id of a peer in a `peer-drain`, in UTF-8. A libp2p id has 52 characters; longer ones are not ids. */
export const PEER_ID_BYTES_MAX = 128
