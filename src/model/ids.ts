/** A string type of its own: neither a plain string nor another kind of id can be assigned to it. */
export type Branded<Kind extends string> = string & { readonly __kind: Kind }

/** The libp2p peer id of one peer (`12D3KooW…`), made from its ed25519 key. */
export type PeerId = Branded<'PeerId'>

/** One client request: `i-` and 26 characters of lower-case base 32 (128 random bits), made by the gateway. */
export type InvocationId = Branded<'InvocationId'>

/** Made once when a cluster is created, and carried in its log: tells clusters apart whatever their addresses are. */
export type ClusterUid = Branded<'ClusterUid'>

/** Content address of an image as the runtime knows it, e.g. `sha256:9f2c…`. */
export type Digest = Branded<'Digest'>

/** Names one archive of an image: two engines may write the same image in different bytes, and only the same bytes can be gone on with. */
export type ArchiveId = Branded<'ArchiveId'>

/** How often a peer has started from its data directory. Fences orders that were meant for an earlier life. Starts at 1. */
export type Session = number

/** The number of an election. Starts at 0, before any election. */
export type Term = number

/** A placement of one invocation. Ordered by `round` (the gateway has the call placed anew), then `try` (the orchestrator tries another worker). */
export interface Attempt {
  readonly round: number
  readonly try: number
}
