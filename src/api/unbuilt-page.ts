/** The page may load nothing and run nothing: it is text, links and one inline style. */
export const UNBUILT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const STYLE = `:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
body { max-width: 40rem; margin: 12vh auto; padding: 0 1.25rem }
h1 { font-size: 1.25rem; margin: 0 0 .5rem }
code { font: .9em ui-monospace, monospace; background: color-mix(in srgb, currentColor 10%, transparent); padding: .15em .4em; border-radius: 4px }`

/** What a browser sees at `/` of a peer whose dashboard has not been built: who answers, and the command that builds it. */
export function unbuiltPage({ name, version }: { name: string; version: string }): { readonly type: string; readonly html: string } {
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(name)} - CARES</title><style>${STYLE}</style></head>
<body>
<h1>${escape(name)} is running, its dashboard is not built</h1>
<p>This is a peer of CARES ${escape(version)}. Everything works but this page. To have it, run <code>npm run build:web</code> where CARES is
installed from, and start the peer again.</p>
<p>Until then: <a href="/docs">the API</a>, <a href="/v1/peers">peers</a>, <a href="/v1/functions">functions</a>,
<a href="/v1/invocations">calls</a>, or the commands <code>cares status</code> and <code>cares</code>.</p>
</body>
</html>
`
  return { type: 'text/html; charset=utf-8', html }
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
