/** A file of bytes that are on their way through this peer. Nothing of it survives the process. */
export interface SpoolFile {
  /** Appends these parts, one after the other. */
  append(parts: readonly Uint8Array[]): Promise<void>
  /** Up to `bytesMax` bytes from `offset` on; fewer only at the end of what was appended. */
  read(offset: number, bytesMax: number): Promise<Uint8Array>
  /** Gives the room back. Reads that are under way end with what they have, or throw. */
  remove(): Promise<void>
}

/** Room for images that come and go: too large for memory. Throws `disk_failed` when there is none left. */
export interface Spool {
  create(): Promise<SpoolFile>
}
