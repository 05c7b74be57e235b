import type { CaresError } from '../../../model/errors.ts'

/** What went wrong, and what to do about it. */
export function Problem({ error }: { error: CaresError }) {
  const { issues, stderr } = error.details
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{error.message}</strong> <code>{error.code}</code>
      </p>
      {error.hint === undefined ? null : <p>Try: {error.hint}</p>}
      {Array.isArray(issues) ? (
        <ul>
          {(issues as { path: string; message: string }[]).map(({ path, message }) => (
            <li key={path + message}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      ) : null}
      {typeof stderr === 'string' && stderr !== '' ? <pre>{stderr}</pre> : null}
    </div>
  )
}
