/**
 * The content type of an answer from its beginning, since a program's stdout carries none: JSON if all of it is, else text if it is UTF-8
 * without NUL, else bytes. `complete` tells whether `head` is all there is; JSON that is only begun is judged as text.
 */
export function sniffContentType(head: Uint8Array, { complete }: { complete: boolean }): string {
  let text: string
  try {
    // With `stream`, a character cut at the end of an incomplete head is no error.
    text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: !complete })
  } catch {
    return 'application/octet-stream'
  }
  if (text.includes('\0')) return 'application/octet-stream'
  if (complete && /^\s*[[{]/.test(text) && isJson(text)) return 'application/json'
  return 'text/plain; charset=utf-8'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
