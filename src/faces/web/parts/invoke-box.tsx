import { useEffect, useRef, useState } from 'preact/hooks'
import { CaresError, toCaresError } from '../../../model/errors.ts'
import type { FunctionItem } from '../../../model/rest.ts'
import { formatDurationMs } from '../../../model/units.ts'
import { useLive } from '../hooks.ts'
import { callHeaders, curlLine, EMPTY_CALL, hasBody, type InvokeFields, METHODS, parseServerTiming, targetPath } from '../invoke-request.ts'
import { type ReadBody, readBody } from '../read-body.ts'
import { bytesText } from '../words.ts'
import { BodyView } from './body-view.tsx'
import { Copy } from './copy.tsx'
import { boundTo } from './field.tsx'
import { FileChoice } from './file-choice.tsx'
import { CallLink } from './links.tsx'
import { PolicyFields } from './policy-fields.tsx'
import { Problem } from './problem.tsx'
import { QuoteLine } from './quote.tsx'

interface Answer extends ReadBody {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly tookMs: number
}

/** Calls a function and shows its answer, as text whatever it is: nothing that a function sends is run here. */
export function InvokeBox({ fn }: { fn: FunctionItem }) {
  const live = useLive()
  const [fields, setFields] = useState(EMPTY_CALL)
  const [file, setFile] = useState<File>()
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
      const headers = callHeaders(fields)
      const content = file === undefined ? fields.body : new Uint8Array(await file.arrayBuffer())
      const body = hasBody(fields.method) ? content : undefined
      if (isAsync) {
        const { invocation } = await live.client.callLater(fn.name, { headers, body: content }, abort)
        setAccepted(invocation)
      } else {
        const startedMs = performance.now()
        const init = { method: fields.method, path: targetPath(fields.path), headers, body }
        const got = await live.client.call(fn.name, init, abort)
        const read = await readBody(got)
        setAnswer({ ...read, status: got.status, headers: got.headers, tookMs: performance.now() - startedMs })
      }
    } catch (cause) {
      setError(toCaresError(cause))
    } finally {
      setRunning(undefined)
      live.refresh()
    }
  }
  const field = boundTo(fields, setFields)
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
          {file === undefined ? (
            <textarea {...field('body')} rows={4} class="mono" spellcheck={false} disabled={!hasBody(fields.method)} />
          ) : null}
        </label>
        <FileChoice label="Body from a file" file={file} onChange={setFile} />
        <details>
          <summary>Headers, placement and more</summary>
          <label>
            <span>
              Headers <small class="dim">one name: value a line</small>
            </span>
            <textarea {...field('headers')} rows={2} class="mono" spellcheck={false} placeholder="content-type: application/json" />
          </label>
          <div class="fields">
            <PolicyFields fields={fields.policy} onChange={policy => setFields({ ...fields, policy })} />
          </div>
          <label class="check">
            <input type="checkbox" checked={isAsync} onChange={event => setAsync(event.currentTarget.checked)} />
            Do not wait: hand the call over and look at it later
          </label>
        </details>
        <CurlLine fn={fn} fields={fields} file={file?.name} />
      </form>
      <QuoteLine name={fn.name} inputBytes={hasBody(fields.method) ? (file?.size ?? new TextEncoder().encode(fields.body).length) : 0} />
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

function CurlLine({ fn, fields, file }: { fn: FunctionItem; fields: InvokeFields; file: string | undefined }) {
  try {
    return <Copy text={curlLine(fn, fields, file)} label="the curl command" />
  } catch {
    // A header that is only half written; sending it says so.
    return null
  }
}

function AnswerView({ answer }: { answer: Answer }) {
  const { status, headers, bytes, tookMs } = answer
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
      <BodyView body={answer} empty="The answer is empty." name={id ?? 'answer'} />
    </div>
  )
}
