import { useEffect, useRef, useState } from 'preact/hooks'
import { CaresError, toCaresError } from '../../../model/errors.ts'
import type { FunctionItem } from '../../../model/rest.ts'
import { formatDurationMs } from '../../../model/units.ts'
import type { FetchAnswer } from '../../node-fetch.ts'
import { useLive } from '../hooks.ts'
import { curlLine, hasBody, type InvokeFields, METHODS, parseHeaders, parseServerTiming, targetPath } from '../invoke-request.ts'
import { bytesText } from '../words.ts'
import { Copy } from './copy.tsx'
import { CallLink } from './links.tsx'
import { Problem } from './problem.tsx'
import { QuoteLine } from './quote.tsx'

/** More of an answer is not read: the box is for looking, not for loading. */
const ANSWER_BYTES_MAX = 262_144

interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
  /** The answer had more than is shown. */
  readonly isCut: boolean
  readonly bytes: number
  readonly tookMs: number
}

/** Calls a function and shows its answer, as text whatever it is: nothing that a function sends is run here. */
export function InvokeBox({ fn }: { fn: FunctionItem }) {
  const live = useLive()
  const [fields, setFields] = useState<InvokeFields>({ method: 'POST', path: '/', headers: '', body: '' })
  const [isAsync, setAsync] = useState(false)
  const [answer, setAnswer] = useState<Answer>()
  const [accepted, setAccepted] = useState<string>()
  const [error, setError] = useState<CaresError>()
  const [running, setRunning] = useState<AbortController>()
  const last = useRef<AbortController>(undefined)
  useEffect(() => () => last.current?.abort(), [])

  const call = async (): Promise<void> => {
    const abort = new AbortController()
    last.current = abort
    setRunning(abort)
    setError(undefined)
    setAnswer(undefined)
    setAccepted(undefined)
    try {
      const headers = parseHeaders(fields.headers)
      const body = hasBody(fields.method) ? fields.body : undefined
      if (isAsync) {
        const { invocation } = await live.client.callLater(fn.name, { headers, body: fields.body }, abort)
        setAccepted(invocation)
      } else {
        const startedMs = performance.now()
        const init = { method: fields.method, path: targetPath(fields.path), headers, body }
        const got = await live.client.call(fn.name, init, abort)
        setAnswer(await readAnswer(got, startedMs))
      }
    } catch (cause) {
      setError(toCaresError(cause))
    } finally {
      setRunning(undefined)
      live.refresh()
    }
  }
  const field = (key: keyof InvokeFields) => ({
    value: fields[key],
    onInput: (event: { currentTarget: { value: string } }) => setFields({ ...fields, [key]: event.currentTarget.value })
  })
  return (
    <section class="card">
      <h2>Invoke</h2>
      <form
        class="invoke"
        onSubmit={event => {
          event.preventDefault()
          void call()
        }}
      >
        <div class="request-line">
          <select {...field('method')} aria-label="Method" disabled={isAsync}>
            {METHODS.map(method => (
              <option key={method}>{method}</option>
            ))}
          </select>
          <label class="path">
            <span class="dim mono">/fn/{fn.name}</span>
            <input {...field('path')} aria-label="Path below the function" class="mono" spellcheck={false} disabled={isAsync} />
          </label>
          <button class="primary" disabled={running !== undefined}>
            {running === undefined ? 'Invoke' : 'Running…'}
          </button>
          {running === undefined ? null : (
            <button type="button" onClick={() => running.abort(new CaresError('cancelled', 'you have cancelled the call'))}>
              Cancel
            </button>
          )}
        </div>
        <label>
          <span>
            Body <small class="dim">{hasBody(fields.method) ? 'sent as it is' : 'not sent with GET'}</small>
          </span>
          <textarea {...field('body')} rows={4} class="mono" spellcheck={false} disabled={!hasBody(fields.method)} />
        </label>
        <details>
          <summary>Headers and more</summary>
          <label>
            <span>
              Headers <small class="dim">one name: value a line</small>
            </span>
            <textarea {...field('headers')} rows={2} class="mono" spellcheck={false} placeholder="content-type: application/json" />
          </label>
          <label class="check">
            <input type="checkbox" checked={isAsync} onChange={event => setAsync(event.currentTarget.checked)} />
            Do not wait: hand the call over and look at it later
          </label>
        </details>
        <CurlLine fn={fn} fields={fields} />
      </form>
      <QuoteLine name={fn.name} inputBytes={hasBody(fields.method) ? new TextEncoder().encode(fields.body).length : 0} />
      {error === undefined ? null : <Problem error={error} />}
      {accepted === undefined ? null : (
        <p class="plan" role="status">
          Accepted as call <CallLink id={accepted} />
        </p>
      )}
      {answer === undefined ? null : <AnswerView answer={answer} />}
    </section>
  )
}

function CurlLine({ fn, fields }: { fn: FunctionItem; fields: InvokeFields }) {
  try {
    return <Copy text={curlLine(fn, fields)} label="the curl command" />
  } catch {
    // A header that is only half written; sending it says so.
    return null
  }
}

function AnswerView({ answer: { status, headers, text, isCut, bytes, tookMs } }: { answer: Answer }) {
  const id = headers.get('x-cares-invocation')
  const timing = parseServerTiming(headers.get('server-timing') ?? '')
  return (
    <div class="answer" role="status" aria-label="Answer">
      <p class="answer-line">
        <span class={`badge ${status < 400 ? 'good' : 'bad'}`}>{status}</span>
        <span>{formatDurationMs(tookMs)}</span>
        <span>{bytesText(bytes)}</span>
        {headers.get('x-cares-start') === undefined ? null : <span>{headers.get('x-cares-start')} start</span>}
        {timing.map(([name, ms]) => (
          <span key={name} class="dim">
            {name} {formatDurationMs(ms)}
          </span>
        ))}
        {id === undefined ? null : (
          <span class="push">
            Why there? <CallLink id={id} />
          </span>
        )}
      </p>
      {text === '' ? <p class="dim">The answer is empty.</p> : <pre tabIndex={0}>{text}</pre>}
      {isCut ? <p class="dim">Only the beginning is shown.</p> : null}
    </div>
  )
}

async function readAnswer({ status, headers, body }: FetchAnswer, startedMs: number): Promise<Answer> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    text += decoder.decode(chunk, { stream: true })
    if (bytes >= ANSWER_BYTES_MAX) break
  }
  const tookMs = performance.now() - startedMs
  return { status, headers, text: text.slice(0, ANSWER_BYTES_MAX), isCut: bytes >= ANSWER_BYTES_MAX, bytes, tookMs }
}
