/** The end of an id, which tells peers apart: they all begin alike. */
export function shortId(id: string): string {
  return id.length <= CHARACTERS ? id : `…${id.slice(-CHARACTERS)}`
}

const CHARACTERS = 8
