/**
 * Holds what is given to people against the real thing: real peers are scraped by a real Prometheus by the example beside this file, `promtool` looks at
 * the example and at the metrics, and every query of the Grafana dashboard must find something.
 *
 *   npx node scripts/observe/check.ts        (needs prometheus and promtool: apt-get install prometheus)
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, Cluster, upload } from '../../test/e2e/cluster.ts'
import { processFunctions } from '../../test/e2e/functions.ts'
import { eventually } from '../../test/support/eventually.ts'

const SCRAPE_SECONDS = 1
/** Long enough for rates over several scrapes. */
const WATCH_MS = 12_000

/** What Grafana fills in, for these scrapes. */
const VARIABLES: Readonly<Record<string, string>> = {
  $__rate_interval: '8s',
  $job: '.*',
  $instance: '.*',
  $datasource: 'prometheus'
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[] }
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] }
}

const beside = (name: string): URL => new URL(name, import.meta.url)
const filledIn = (expr: string): string => Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), expr)

const cluster = await Cluster.start({ peers: 2 })
const folder = await mkdtemp(join(tmpdir(), 'cares-prometheus-'))
let stopPrometheus = async (): Promise<void> => {}
try {
  const [first] = cluster.alive
  if (first === undefined) throw new Error('no peer')
  for (const name of ['upper', 'failing', 'web'] as const) await upload(cluster, first, { name, ...processFunctions()[name] })

  const config = join(folder, 'prometheus.yml')
  await writeFile(config, await exampleFor(cluster))
  run('promtool', ['check', 'config', config])
  const port = await freePort()
  stopPrometheus = startPrometheus(config, port)
  const calling = callUntil(performance.now() + WATCH_MS)
  const query = async (expr: string): Promise<readonly unknown[]> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`)
    const { status, data, error } = (await answer.json()) as { status: string; data?: { result: readonly unknown[] }; error?: string }
    if (status !== 'success' || data === undefined) throw new Error(`${expr}: ${error}`)
    return data.result
  }
  await eventually('both peers are scraped', async () => ((await query('up == 1')).length === 2 ? true : undefined), { withinMs: 60_000 })
  console.log('prometheus scrapes both peers')
  await calling

  for (const { api, name } of cluster.alive) {
    run('promtool', ['check', 'metrics'], await (await fetch(`${api}/metrics`)).text())
    console.log(`promtool finds nothing to say about the metrics of ${name}`)
  }

  const dashboard = JSON.parse(await readFile(beside('grafana-dashboard.json'), 'utf8')) as Dashboard
  const queries = [
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, refId }) => ({ what: `${title} ${refId}`, expr: filledIn(expr) }))
    ),
    ...dashboard.templating.list.flatMap(({ name, definition }) =>
      definition === undefined
        ? []
        : [{ what: `variable ${name}`, expr: filledIn(definition.replace(/^label_values\((.*), \w+\)$/, '$1')) }]
    )
  ]
  const empty: string[] = []
  for (const { what, expr } of queries) if ((await query(expr)).length === 0) empty.push(`${what}: ${expr}`)
  // Nothing may have changed: these need only be understood.
  for (const { expr } of dashboard.annotations.list) await query(filledIn(expr))
  if (empty.length > 0) throw new Error(`these queries of the dashboard find nothing:\n  ${empty.join('\n  ')}`)
  console.log(`all ${queries.length} queries of the dashboard find something`)
} finally {
  await stopPrometheus()
  await cluster.stop()
  await rm(folder, { recursive: true, force: true })
}

/** The example, with these peers for its targets, and faster. */
async function exampleFor({ alive }: Cluster): Promise<string> {
  const text = await readFile(beside('prometheus.yml'), 'utf8')
  const targets = alive.map(({ api }) => `          - ${new URL(api).host}`).join('\n')
  return text
    .replace(/scrape_interval: \d+s/, `scrape_interval: ${SCRAPE_SECONDS}s`)
    .replace(/scrape_timeout: \d+s/, `scrape_timeout: ${SCRAPE_SECONDS}s`)
    .replace(/^ {10}- 127\.0\.0\.1:7070$/m, targets)
}

/** Calls that end well and badly, warm and cold, through both peers. */
async function callUntil(endMs: number): Promise<void> {
  while (performance.now() < endMs) {
    for (const peer of cluster.alive) {
      for (const name of ['upper', 'failing', 'web'] as const) await ask(peer, `/fn/${name}`, { method: 'POST', body: 'x' })
    }
    await sleep(100)
  }
}

function run(program: string, args: readonly string[], input = ''): void {
  execFileSync(program, args, { input, stdio: ['pipe', 'pipe', 'inherit'] })
}

function startPrometheus(config: string, port: number): () => Promise<void> {
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error'
  ]
  const child = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  return async () => {
    child.kill()
    await ended
  }
}

/** One that is free now; whoever needs it takes it soon after. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
