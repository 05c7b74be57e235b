import { useEffect, useRef, useState } from 'preact/hooks'
import { type CaresError, toCaresError } from '../../../model/errors.ts'
import { useLive, useLiveState } from '../hooks.ts'
import { type TaskFields, taskRequestOf } from '../task-form.ts'
import { boundTo, Field } from './field.tsx'
import { FileChoice } from './file-choice.tsx'
import { PolicyFields } from './policy-fields.tsx'
import { Problem } from './problem.tsx'

/** Submits a task: of an image, or of a function that reads stdin. */
export function TaskForm({ initial, onDone }: { initial: TaskFields; onDone: (id: string) => void }) {
  const live = useLive()
  const { peers, functions } = useLiveState()
  const [fields, setFields] = useState(initial)
  const [file, setFile] = useState<File>()
  const [isAsking, setAsking] = useState(false)
  const [error, setError] = useState<CaresError>()
  const life = useRef(new AbortController())
  const key = useRef<string>(undefined)
  useEffect(() => () => life.current.abort(), [])

  const submit = async (): Promise<void> => {
    const { signal } = life.current
    setAsking(true)
    setError(undefined)
    try {
      // The same key until the form is changed: a task that was accepted by an answer that got lost is not submitted twice.
      key.current ??= randomKey()
      const bytes = file === undefined ? undefined : new Uint8Array(await file.arrayBuffer())
      const { task } = await live.client.submitTask(taskRequestOf(fields, bytes), { key: key.current, signal })
      onDone(task.id)
    } catch (cause) {
      if (!signal.aborted) setError(toCaresError(cause))
    } finally {
      setAsking(false)
    }
  }
  const change = (changed: TaskFields): void => {
    key.current = undefined
    setFields(changed)
  }
  const field = boundTo(fields, change)
  const runnable = (functions ?? []).filter(({ contract }) => contract === 'stdio').map(({ name }) => name)
  const isFunction = fields.function !== ''
  const ofFunction = isFunction ? 'as the function' : undefined
  const processes = (peers ?? []).some(({ runtime }) => runtime === 'process')
  return (
    <form
      class="fields"
      onSubmit={event => {
        event.preventDefault()
        void submit()
      }}
    >
      {runnable.length === 0 && !isFunction ? null : (
        <Field label="Run" hint="an image, or a function as it is now" span>
          <select {...field('function')}>
            <option value="">an image</option>
            {[...new Set([...runnable, ...(isFunction ? [fields.function] : [])])].map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </Field>
      )}
      {isFunction ? null : (
        <Field label="Image" hint={processes ? 'an image, or a command line on peers that run plain processes' : 'as for docker run'} span>
          <input {...field('image')} required autocomplete="off" spellcheck={false} class="mono" placeholder="acme/report:3" />
        </Field>
      )}
      <Field label="Arguments" hint="as in a shell; empty: the image's own command" span>
        <input {...field('args')} autocomplete="off" spellcheck={false} class="mono" placeholder="--month 2026-11" />
      </Field>
      <Field label="Input" hint="what its program finds on stdin" span>
        {file === undefined ? <textarea {...field('input')} rows={3} class="mono" spellcheck={false} /> : null}
      </Field>
      <div class="span">
        <FileChoice
          label="Input from a file"
          file={file}
          onChange={chosen => {
            key.current = undefined
            setFile(chosen)
          }}
        />
      </div>
      <Field label="Name" hint="of the task">
        <input {...field('name')} autocomplete="off" spellcheck={false} placeholder={ofFunction ?? "the image's"} />
      </Field>
      <Field label="CPU" hint="cores">
        <input {...field('cpus')} inputMode="decimal" placeholder={ofFunction ?? '0.5'} />
      </Field>
      <Field label="Memory" hint="such as 256Mi">
        <input {...field('memory')} placeholder={ofFunction ?? '128Mi'} />
      </Field>
      <Field label="Timeout" hint="of one attempt">
        <input {...field('timeout')} placeholder={ofFunction ?? '1h'} />
      </Field>
      <Field label="Attempts" hint="that may fail">
        <input {...field('attempts')} inputMode="numeric" placeholder="3" />
      </Field>
      <Field label="Network" hint="what it may reach">
        <select {...field('network')}>
          <option value="">{ofFunction ?? 'none'}</option>
          {isFunction ? <option value="none">none</option> : null}
          <option value="egress">egress</option>
        </select>
      </Field>
      <PolicyFields fields={fields.policy} onChange={policy => change({ ...fields, policy })} />
      <Field label="Environment" hint={`one NAME=value a line${isFunction ? '; comes on top of the function’s' : ''}`} span>
        <textarea {...field('env')} rows={2} class="mono" spellcheck={false} />
      </Field>
      <div class="actions span">
        <button class="primary" disabled={isAsking}>
          {isAsking ? 'Submitting…' : 'Run task'}
        </button>
      </div>
      {error === undefined ? null : <Problem error={error} />}
    </form>
  )
}

/** `crypto.randomUUID` is only there where the page came by HTTPS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}
