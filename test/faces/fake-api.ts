import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { ERROR_CODES, type ErrorCode } from '../../src/model/errors.ts'

/** What was asked of the fake. */
export interface Asked {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request: a value is sent as JSON, a function writes its own answer. */
export type Answer = object | ((response: ServerResponse, asked: Asked) => void | Promise<void>)

/** A REST API of canned answers, on a free port of loopback. */
export interface FakeApi extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly Asked[]
  /** The answer of `GET /v1/peers` and the like; a `*` at the end stands for any rest. */
  answer(route: string, answer: Answer): void
}

/** A problem document, as the API sends it. */
export function problem(code: ErrorCode, detail: string, status: number, more: object = {}): Answer {
  return response => {
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    const document = { type: `urn:cares:error:${code}`, title: ERROR_CODES[code], status, code, detail, retryable: false, ...more }
    response.end(JSON.stringify(document))
  }
}

export async function startFakeApi(answers: Readonly<Record<string, Answer>> = {}): Promise<FakeApi> {
  const routes = new Map(Object.entries(answers))
  const asked: Asked[] = []
  const server: Server = createServer((request, response) => {
    void serve(request, response)
  })
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request
    const question = { method, url, headers, body: await text(request).catch(() => '') }
    asked.push(question)
    const key = `${method} ${url.split('?')[0]}`
    const found = routes.get(key) ?? [...routes].find(([route]) => route.endsWith('*') && key.startsWith(route.slice(0, -1)))?.[1]
    const answer = found ?? problem('not_found', `there is no ${key}`, 404)
    if (typeof answer === 'function') {
      await (answer as (response: ServerResponse, asked: Asked) => void | Promise<void>)(response, question)
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  }
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    answer: (route, answer) => void routes.set(route, answer),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => {
        server.close(resolve)
      })
    }
  }
}
