import type { FetchAnswer } from '../node-fetch.ts'

/** More of an answer is not read: the page is for looking, not for loading. */
const BYTES_MAX = 16 * 2 ** 20

/** More text than this is not put on the page: browsers get slow with it. */
const SHOWN_CHARACTERS_MAX = 262_144

/** A body that was read to its end, or as far as the page reads. */
export interface ReadBody {
  readonly blob: Blob
  readonly bytes: number
  /** The answer had more than was read. */
  readonly isCut: boolean
  /** What it begins with, as text; null where it is none. */
  readonly text: string | null
  readonly isShownWhole: boolean
  /** Whether a browser can draw it. */
  readonly isPicture: boolean
}

/** Pictures that browsers draw and never run (an SVG in an `img` has no scripts), and how the bytes of those begin that say what they are. */
const PICTURES: readonly (readonly [type: string, begins: RegExp | null])[] = [
  ['image/png', /^\x89PNG/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8/],
  ['image/webp', /^RIFF....WEBP/s],
  ['image/avif', null],
  ['image/svg+xml', null]
]

/** Reads what an answer carries. Throws what the stream of it throws. */
export async function readBody({ headers, body }: Pick<FetchAnswer, 'headers' | 'body'>): Promise<ReadBody> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(new Uint8Array(chunk))
    bytes += chunk.byteLength
    if (bytes >= BYTES_MAX) break
  }
  const isCut = bytes >= BYTES_MAX
  const told = headers.get('content-type') ?? ''
  const picture = isCut ? undefined : pictureType(told, chunks[0] ?? new Uint8Array())
  const blob = new Blob(chunks, { type: picture ?? told })
  const text = textOf(await blob.slice(0, SHOWN_CHARACTERS_MAX).arrayBuffer())
  return { blob, bytes, isCut, text, isShownWhole: bytes <= SHOWN_CHARACTERS_MAX, isPicture: picture !== undefined }
}

/** What a program writes to stdout has no type: its first bytes tell. */
function pictureType(told: string, start: Uint8Array): string | undefined {
  const head = String.fromCharCode(...start.subarray(0, 16))
  return PICTURES.find(([type, begins]) => told.startsWith(type) || begins?.test(head) === true)?.[0]
}

/** Null: these bytes are no UTF-8, or hold what no text holds. */
function textOf(bytes: ArrayBuffer): string | null {
  try {
    // As a stream, so that a character that is cut at the end is left out and no mistake.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return text.includes('\0') ? null : text
  } catch {
    // No text: it can be saved.
    return null
  }
}
