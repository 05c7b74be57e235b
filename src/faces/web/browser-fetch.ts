import type { Fetch } from '../node-fetch.ts'

/** The browser's own `fetch`, as the shared client of the REST API takes it. Never sends cookies, never reads the browser's cache. */
export const browserFetch: Fetch = async (url, { method, headers, body, signal }) => {
  const answer = await fetch(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    signal,
    cache: 'no-store',
    credentials: 'omit',
    ...(body === undefined ? {} : { body: body as BodyInit })
  })
  return { status: answer.status, headers: new Map(answer.headers), body: chunksOf(answer.body) }
}

/** Written out, because not every browser can iterate a stream. */
async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body?.getReader()
  if (reader === undefined) return
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {
      // The stream has failed already, and whoever reads it has been told.
    })
  }
}
