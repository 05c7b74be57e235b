import { useState } from 'preact/hooks'
import { useLive } from '../hooks.ts'

/** Asks for the token of an API that wants one. */
export function Unlock({ refused }: { refused: boolean }) {
  const live = useLive()
  const [token, setToken] = useState('')
  return (
    <form
      class="unlock card"
      onSubmit={event => {
        event.preventDefault()
        live.unlock(token.trim())
      }}
    >
      <h1>This peer wants a token</h1>
      <p class="dim">It was set by whoever started the peer. Your browser keeps it for this tab only and sends it to this peer only.</p>
      <label>
        Token
        <input type="password" autocomplete="off" required value={token} onInput={event => setToken(event.currentTarget.value)} />
      </label>
      {refused ? (
        <p class="bad-text" role="alert">
          The peer does not know that token.
        </p>
      ) : null}
      <button class="primary" disabled={token.trim() === ''}>
        Open the dashboard
      </button>
    </form>
  )
}
