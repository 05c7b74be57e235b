/** A body that is all there, for whom expects one that comes in pieces. */
export async function* inOnePiece(body: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield body
}
