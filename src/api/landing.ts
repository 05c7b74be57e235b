import { REST_PATHS, restPath } from '../model/rest-paths.ts'
import type { PeerService } from '../model/service.ts'
import { formatBytes } from '../model/units.ts'

/** The page may load nothing and run nothing: it is text, links and one inline style. */
export const LANDING_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const STYLE = `:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .15rem 1.2rem .15rem 0 }`

/** What a browser sees at `/`: who answers here, the peers and the functions as of now. */
export function landingPage(service: PeerService): string {
  const { name, version } = service.profile
  const { orchestrator, term, reason } = service.cluster()
  const led = orchestrator === null ? `no orchestrator: ${reason}` : `orchestrator ${orchestrator.name}, term ${term}`
  const peers = service
    .peers()
    .map(({ profile, stats, state, role }) => [
      link(restPath(REST_PATHS.peer, { id: profile.id }), profile.name),
      role,
      state,
      `${stats.cpusUsed.toFixed(1)} of ${profile.capacity.cpus}`,
      `${formatBytes(stats.memoryUsedBytes)} of ${formatBytes(profile.capacity.memoryBytes)}`,
      String(stats.running)
    ])
  const functions = service
    .functions()
    .map(fn => [
      link(restPath(REST_PATHS.function, { name: fn.name }), fn.name),
      fn.contract,
      String(fn.revision),
      fn.image,
      restPath(REST_PATHS.invoke, { name: fn.name })
    ])
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(name)} - CARES</title><style>${STYLE}</style></head>
<body>
<h1>${escape(name)}</h1>
<p>CARES ${escape(version)}, ${escape(led)}</p>
<p>${[
    link('/docs', 'API'),
    link(REST_PATHS.peers, 'peers'),
    link(REST_PATHS.functions, 'functions'),
    link(REST_PATHS.invocations, 'invocations'),
    link(REST_PATHS.stats, 'stats'),
    link(REST_PATHS.metrics, 'metrics')
  ]
    .map(({ html }) => html)
    .join(' · ')}</p>
<h2>Peers</h2>
${table(['Name', 'Role', 'State', 'CPU', 'Memory', 'Running'], peers)}
<h2>Functions</h2>
${functions.length === 0 ? '<p>None yet: <code>cares upload IMAGE NAME</code></p>' : table(['Name', 'Contract', 'Revision', 'Image', 'Call'], functions)}
</body>
</html>
`
}

/** Text is escaped on its way into the page; what is HTML already says so. */
interface Html {
  readonly html: string
}

function link(href: string, text: string): Html {
  return { html: `<a href="${escape(href)}">${escape(text)}</a>` }
}

function table(head: readonly string[], rows: readonly (readonly (string | Html)[])[]): string {
  const row = (tag: string, cells: readonly (string | Html)[]): string =>
    `<tr>${cells.map(cell => `<${tag}>${typeof cell === 'string' ? escape(cell) : cell.html}</${tag}>`).join('')}</tr>`
  return `<table>${row('th', head)}${rows.map(cells => row('td', cells)).join('\n')}</table>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
