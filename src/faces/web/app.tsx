import { useEffect, useRef, useState } from 'preact/hooks'
import { useLiveState, useRoute } from './hooks.ts'
import { listenForKeys } from './keys.ts'
import { Banner } from './parts/banner.tsx'
import { KeyHelp } from './parts/key-help.tsx'
import { Sidebar } from './parts/sidebar.tsx'
import { StatusBar } from './parts/status-bar.tsx'
import { Unlock } from './parts/unlock.tsx'
import { Call } from './pages/call.tsx'
import { Calls } from './pages/calls.tsx'
import { Costs } from './pages/costs.tsx'
import { Events } from './pages/events.tsx'
import { FunctionPage } from './pages/function.tsx'
import { Functions } from './pages/functions.tsx'
import { ClusterMap } from './pages/map.tsx'
import { Overview } from './pages/overview.tsx'
import { PeerPage } from './pages/peer.tsx'
import { Peers } from './pages/peers.tsx'
import { Run } from './pages/run.tsx'
import { TaskPage } from './pages/task.tsx'
import { Tasks } from './pages/tasks.tsx'
import { Unknown } from './pages/unknown.tsx'
import { Upload } from './pages/upload.tsx'
import { hrefOf, type Route, SECTIONS, sectionOf } from './route.ts'

/** The whole page: where to go, how things stand, and the page that the address names. */
export function App() {
  const route = useRoute()
  const { link, cluster } = useLiveState()
  const [helpIsOpen, setHelpOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const address = hrefOf(route)
  const shown = useRef(address)
  useEffect(
    () =>
      listenForKeys({ go: to => (location.hash = hrefOf(to)), help: () => setHelpOpen(open => !open), leave: () => setHelpOpen(false) }),
    []
  )
  useEffect(() => {
    const section = SECTIONS.find(({ page }) => page === sectionOf(route))
    const subject = 'id' in route ? route.id : 'name' in route ? route.name : undefined
    document.title = [subject, section?.title, cluster?.self.name, 'CARES'].filter(part => part !== undefined && part !== '').join(' · ')
  }, [address, cluster?.self.name])
  useEffect(() => {
    if (shown.current === address) return
    shown.current = address
    // So that a screen reader reads the new page, and the keyboard is in it.
    main.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [address])

  return (
    <div class="shell">
      <a
        class="skip"
        href={address}
        onClick={event => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the page
      </a>
      <Sidebar route={route} onHelp={() => setHelpOpen(true)} />
      <div class="column">
        <StatusBar />
        <Banner />
        <main ref={main} tabIndex={-1} id="main">
          {link.state === 'locked' ? <Unlock refused={link.refused} /> : <Page route={route} />}
        </main>
      </div>
      <KeyHelp isOpen={helpIsOpen} onClose={() => setHelpOpen(false)} />
    </div>
  )
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'overview':
      return <Overview />
    case 'peers':
      return <Peers />
    case 'peer':
      return <PeerPage key={route.id} id={route.id} />
    case 'functions':
      return <Functions />
    case 'upload':
      return <Upload />
    case 'function':
      return <FunctionPage key={route.name} name={route.name} />
    case 'calls':
      return <Calls />
    case 'call':
      return <Call key={route.id} id={route.id} />
    case 'tasks':
      return <Tasks />
    case 'task':
      return <TaskPage key={route.id} id={route.id} />
    case 'run':
      return <Run key={`${route.like} ${route.id}`} {...route} />
    case 'costs':
      return <Costs />
    case 'map':
      return <ClusterMap />
    case 'events':
      return <Events />
    case 'unknown':
      return <Unknown />
  }
}
