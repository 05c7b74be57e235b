import { useEffect, useRef, useState } from 'preact/hooks'
import { useLiveState } from '../hooks.ts'
import { hrefOf, type Route, SECTIONS, sectionOf } from '../route.ts'
import { loadTheme, nextTheme, setTheme } from '../theme.ts'
import { Icon, Mark } from './icons.tsx'

/** Where to go, and who serves the page. */
export function Sidebar({ route, onHelp }: { route: Route; onHelp: () => void }) {
  const { cluster, peers } = useLiveState()
  const [theme, choose] = useState(loadTheme)
  const current = sectionOf(route)
  const nav = useRef<HTMLElement>(null)
  useEffect(() => {
    // On a narrow screen the pages are one row that is scrolled sideways.
    const link = nav.current?.querySelector<HTMLElement>('[aria-current]')
    if (link !== null && link !== undefined) nav.current?.scrollTo({ left: link.offsetLeft - SCROLL_MARGIN_PX })
  }, [current])
  const version = peers?.find(({ id }) => id === cluster?.self.id)?.version
  return (
    <header class="sidebar">
      <a class="brand" href="#/" aria-label="CARES, overview">
        <Mark />
        <span>CARES</span>
      </a>
      <nav ref={nav} aria-label="Pages">
        {SECTIONS.map(({ page, title }) => (
          <a key={page} href={hrefOf({ page })} aria-current={page === current ? 'page' : undefined}>
            <Icon page={page} />
            {title}
          </a>
        ))}
      </nav>
      <div class="served">
        <p class="only-wide">
          <span class="dim">Served by</span>
          <br />
          <strong>{cluster?.self.name ?? '…'}</strong>
          {version === undefined ? '' : ` ${version}`}
        </p>
        <div class="buttons">
          <button
            type="button"
            class="quiet"
            aria-label={`Colours: ${theme}. Change`}
            title={`Colours: ${theme}`}
            onClick={() => {
              const next = nextTheme(theme)
              setTheme(next)
              choose(next)
            }}
          >
            {theme === 'auto' ? '◐' : theme === 'light' ? '○' : '●'}
          </button>
          <button type="button" class="quiet only-wide" aria-label="Keys" title="Keys (?)" onClick={onHelp}>
            ?
          </button>
          <a class="quiet only-wide" href="/docs">
            API
          </a>
        </div>
      </div>
    </header>
  )
}

/** So that a page before the current one is seen, too. */
const SCROLL_MARGIN_PX = 120
