import { render } from 'preact'
import { App } from './app.tsx'
import { LiveContext } from './hooks.ts'
import { createLive } from './live/live.ts'
import { sessionToken } from './session-token.ts'
import { loadTheme, setTheme } from './theme.ts'

const root = document.getElementById('app')
if (root === null) throw new Error('the page has no place for the dashboard')
setTheme(loadTheme())
const life = new AbortController()
addEventListener('pagehide', event => {
  // A page that may come back (by the browser's back button) goes on then.
  if (!event.persisted) life.abort()
})
const live = createLive(location.origin, { document, tokens: sessionToken, life: life.signal })
render(
  <LiveContext.Provider value={live}>
    <App />
  </LiveContext.Provider>,
  root
)
