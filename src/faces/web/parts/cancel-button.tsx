import { useState } from 'preact/hooks'
import { type CaresError, toCaresError } from '../../../model/errors.ts'
import { Problem } from './problem.tsx'

/** Asks once for the end of a call or task; what it has come to, the page shows by itself. */
export function CancelButton({ cancel }: { cancel: (options: { signal: AbortSignal }) => Promise<unknown> }) {
  const [error, setError] = useState<CaresError>()
  const [isAsked, setAsked] = useState(false)
  const ask = async (): Promise<void> => {
    setAsked(true)
    try {
      await cancel({ signal: new AbortController().signal })
    } catch (cause) {
      setAsked(false)
      setError(toCaresError(cause))
    }
  }
  return (
    <div class="push">
      <button type="button" disabled={isAsked} onClick={() => void ask()}>
        {isAsked ? 'Cancelling…' : 'Cancel'}
      </button>
      {error === undefined ? null : <Problem error={error} />}
    </div>
  )
}
