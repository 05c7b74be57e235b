/**
 * What a peer accepts from another, and so what it may send. The sizes leave room above what CARES itself makes; they are there so that a
 * faulty or hostile peer cannot make another use memory without bound.
 */

/** Names, ids and codes. A libp2p peer id has 52 characters, an invocation id 28. */
export const ID_CHARS_MAX = 128
/** Free text of one line: image references, multiaddrs, versions, times. */
export const TEXT_CHARS_MAX = 2_048
/** JSON text of a receipt: a verdict takes about 250 characters, and one has at most 64 of them (`VERDICTS_MAX`); four times that. */
export const RECEIPT_CHARS_MAX = 65_536
/** JSON text of an invocation record with its 8 receipts. */
export const RECORD_CHARS_MAX = 9 * RECEIPT_CHARS_MAX
/** JSON text of an invocation as lists show it: its path, the message of its error, and some 500 characters. */
export const SUMMARY_CHARS_MAX = 32_768
/** A log line is cut at 8 KiB by the worker; UTF-16 units never exceed bytes. */
export const LOG_LINE_CHARS_MAX = 8_192

/** Observations in one answer: 150 kB at some 300 bytes each. */
export const OBSERVATIONS_MAX = 512
/** Placers of which a peer knows observations: twice a cluster's peers. */
export const ORIGINS_MAX = 1_024
/** Rows of one gateway's costs. */
export const COST_ROWS_MAX = 2_048
/** Their JSON text, at up to 500 characters each. */
export const COSTS_CHARS_MAX = 1_024_000
/** One question about an admission, or one admission, as JSON text. */
export const ADMISSION_CHARS_MAX = 4_096
/** Admissions in one answer. */
export const ADMISSIONS_MAX = 128

/** Path and query of a call: what common HTTP servers accept. */
export const PATH_CHARS_MAX = 16_384
/** Bytes of the headers of a call or answer, names included; how many there may be says `HEADERS_MAX` of the model. */
export const HEADERS_CHARS_MAX = 65_536
/** One `body` message, inline bodies included. Larger chunks are split by the channel; a frame this size takes less than a millisecond to send. */
export const CHUNK_BYTES_MAX = 65_536

/** Bytes of an image that may be on their way to one asker: at 1 GB/s, what 8 ms carry. */
export const IMAGE_GRANT_BYTES_MAX = 8_388_608
/** One `body` message of an image: it has a stream of its own, so it holds up nothing, and larger ones cost less. */
export const IMAGE_PIECE_BYTES_MAX = 262_144

/** Bytes of a large input or result that one question may ask for. */
export const BLOB_READ_BYTES_MAX = 1_048_576
/** One `piece` of it, on a stream of its own like an image. */
export const BLOB_PIECE_BYTES_MAX = 262_144

/** Environment variables of a function, and labels of a peer. */
export const PAIRS_MAX = 256
/** One value of them. */
export const PAIR_VALUE_CHARS_MAX = 32_768
/** Peers of a cluster: the design is for 100; the rest is room for peers that are gone but not forgotten. */
export const PEERS_MAX = 512
/** Multiaddrs of one peer (`PeerProfile.addresses`). */
export const ADDRESSES_MAX = 16
/** Warm pools that one peer speaks of. */
export const POOLS_MAX = 1_024
/** Images that one peer speaks of. */
export const IMAGES_MAX = 1_024

/** One message on an invoke, execute or control lane: a call with an inline body and full headers, or a joined answer of a large cluster. */
export const MESSAGE_BYTES_MAX = 1_048_576
/** One gossiped message: 512 peers of a digest at about 1 KiB each. */
export const GOSSIP_BYTES_MAX = 1_048_576
/** Log entries in one append request. */
export const ENTRIES_MAX = 1_024
/** One command in the log. */
export const COMMAND_BYTES_MAX = 1_048_576
/** The whole state of a cluster, which travels in chunks: more than the tables can hold by their own limits. */
export const SNAPSHOT_BYTES_MAX = 671_088_640
/** One chunk of a snapshot. */
export const SNAPSHOT_CHUNK_BYTES_MAX = 1_048_576
/** One message on the consensus stream: a batch of commands, one of the largest among them, and its envelope. */
export const CONSENSUS_BYTES_MAX = 4_194_304
