import { OBJECTIVES, STRATEGY_NAMES } from '../../../model/placement.ts'
import type { PolicyFields as Fields } from '../policy-form.ts'
import { boundTo, Field } from './field.tsx'

/**
 * How the workers of a function, a task or a call are to be chosen.
 *
 * @param strategies - whether a strategy is asked for, too: those of a function are
 */
export function PolicyFields({
  fields,
  onChange,
  strategies = false
}: {
  fields: Fields
  onChange: (fields: Fields) => void
  strategies?: boolean
}) {
  const field = boundTo(fields, onChange)
  return (
    <>
      {strategies ? (
        <Field label="Strategy" hint="of placement">
          <select {...field('strategy')}>
            <option value="">the cluster's</option>
            {STRATEGY_NAMES.map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Field>
      ) : null}
      <Field label="Objective" hint="of the strategy cost">
        <select {...field('objective')}>
          <option value="">not said</option>
          {OBJECTIVES.map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </Field>
      <Field label="Highest cost" hint="of a run, in USD">
        <input {...field('maxCost')} inputMode="decimal" placeholder="any" />
      </Field>
      <Field label="Labels" hint="a worker must have">
        <input {...field('require')} class="mono" placeholder="zone=eu, gpu" autocomplete="off" spellcheck={false} />
      </Field>
    </>
  )
}
