import { useEffect, useRef, useState } from 'preact/hooks'
import { type CaresError, toCaresError } from '../../../model/errors.ts'
import type { FunctionItem, PutResultBody } from '../../../model/rest.ts'
import { functionChanges } from '../../function-view.ts'
import { type FunctionFields, requestOf } from '../function-form.ts'
import { useLive, useLiveState } from '../hooks.ts'
import { boundTo, Field } from './field.tsx'
import { PolicyFields } from './policy-fields.tsx'
import { Problem } from './problem.tsx'

/**
 * Creates a function or changes one. `Check` asks the cluster what would happen, and changes nothing.
 *
 * @param before - the function that is changed: a change that somebody else has made meanwhile is not overwritten
 */
export function FunctionForm({
  initial,
  before,
  onDone
}: {
  initial: FunctionFields
  before: FunctionItem | undefined
  onDone: (name: string) => void
}) {
  const live = useLive()
  const { peers } = useLiveState()
  const [fields, setFields] = useState(initial)
  const [asking, setAsking] = useState<'check' | 'upload'>()
  const [plan, setPlan] = useState<PutResultBody>()
  const [error, setError] = useState<CaresError>()
  const life = useRef(new AbortController())
  useEffect(() => () => life.current.abort(), [])

  const ask = async (dryRun: boolean): Promise<void> => {
    const { signal } = life.current
    setAsking(dryRun ? 'check' : 'upload')
    setError(undefined)
    try {
      const answer = await live.client.putFunction(requestOf(fields), { dryRun, ifRevision: before?.revision, signal })
      setPlan(dryRun ? answer : undefined)
      if (dryRun) return
      live.refresh()
      onDone(answer.function.name)
    } catch (cause) {
      if (!signal.aborted) setError(toCaresError(cause))
    } finally {
      setAsking(undefined)
    }
  }
  const change = (changed: FunctionFields): void => {
    setPlan(undefined)
    setFields(changed)
  }
  const field = boundTo(fields, change)
  const isHttp = fields.contract === 'http'
  const processes = (peers ?? []).some(({ runtime }) => runtime === 'process')
  return (
    <form
      class="fields"
      onSubmit={event => {
        event.preventDefault()
        void ask(false)
      }}
    >
      <Field label="Name" hint="a-z, 0-9 and -">
        <input
          {...field('name')}
          required
          disabled={before !== undefined}
          pattern="[a-z][a-z0-9\-]{0,62}"
          autocomplete="off"
          spellcheck={false}
        />
      </Field>
      <Field label="Image" hint={processes ? 'an image, or a command line on peers that run plain processes' : 'as for docker run'} span>
        <input {...field('image')} required autocomplete="off" spellcheck={false} class="mono" />
      </Field>
      <Field label="Contract" hint="how it is called">
        <select {...field('contract')}>
          <option value="auto">auto: from the image</option>
          <option value="stdio">stdio: body to stdin</option>
          <option value="http">http: a web server</option>
        </select>
      </Field>
      <Field label="CPU" hint="cores">
        <input {...field('cpus')} inputMode="decimal" placeholder="0.5" />
      </Field>
      <Field label="Memory" hint="such as 256Mi">
        <input {...field('memory')} placeholder="128Mi" />
      </Field>
      <Field label="Timeout" hint="such as 30s">
        <input {...field('timeout')} placeholder="30s" />
      </Field>
      {isHttp ? (
        <>
          <Field label="Port" hint="it serves on">
            <input {...field('port')} inputMode="numeric" placeholder="8080" />
          </Field>
          <Field label="Ready" hint="a path that then answers">
            <input {...field('ready')} class="mono" placeholder="none" autocomplete="off" spellcheck={false} />
          </Field>
          <Field label="Concurrency" hint="calls a container">
            <input {...field('concurrency')} inputMode="numeric" placeholder="8" />
          </Field>
        </>
      ) : (
        <Field label="Prewarm" hint="started ahead">
          <input {...field('prewarm')} inputMode="numeric" placeholder="0" />
        </Field>
      )}
      <Field label="Network" hint="what it may reach">
        <select {...field('network')}>
          <option value="none">none</option>
          <option value="egress">egress</option>
        </select>
      </Field>
      <Field label="GPUs" hint="of a container">
        <input {...field('gpus')} inputMode="numeric" placeholder="0" />
      </Field>
      <PolicyFields strategies fields={fields.policy} onChange={policy => change({ ...fields, policy })} />
      <Field label="Environment" hint="one NAME=value a line" span>
        <textarea {...field('env')} rows={2} class="mono" spellcheck={false} />
      </Field>
      <label class="check span">
        <input
          type="checkbox"
          checked={fields.idempotent}
          onChange={event => change({ ...fields, idempotent: event.currentTarget.checked })}
        />
        Idempotent: may be run again when a peer is lost on the way
      </label>
      <div class="actions span">
        <button class="primary" disabled={asking !== undefined}>
          {asking === 'upload' ? 'Uploading…' : before === undefined ? 'Upload' : `Upload revision ${before.revision + 1}`}
        </button>
        <button type="button" disabled={asking !== undefined} onClick={() => void ask(true)}>
          {asking === 'check' ? 'Checking…' : 'Check'}
        </button>
      </div>
      {error === undefined ? null : <Problem error={error} />}
      {plan === undefined ? null : <Plan plan={plan} before={before} />}
    </form>
  )
}

function Plan({ plan, before }: { plan: PutResultBody; before: FunctionItem | undefined }) {
  const changes = before === undefined ? [] : functionChanges(before, plan.function)
  return (
    <div class="plan span" role="status">
      <p>
        <strong>
          {plan.result === 'unchanged' ? `Nothing would change: revision ${plan.function.revision} stays.` : `It would be ${plan.result}.`}
        </strong>{' '}
        Contract {plan.function.contract}
        {plan.because === '' ? '' : `, because: ${plan.because}`}
      </p>
      {changes.length === 0 ? null : (
        <ul>
          {changes.map(change => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
      {(plan.warnings ?? []).map(warning => (
        <p key={warning} class="warn-text">
          {warning}
        </p>
      ))}
    </div>
  )
}
