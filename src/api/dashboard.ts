import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CaresError } from '../model/errors.ts'
import type { App } from './context.ts'
import { UNBUILT_POLICY, unbuiltPage } from './unbuilt-page.ts'

/** Where `npm run build:web` leaves the dashboard; the same from `src/api/` as from `dist/api/`. */
const BUILT = fileURLToPath(new URL('../../dist/web/', import.meta.url))

/** The page loads from its own peer only, and nothing else may frame it or be sent what it holds. `blob:` are pictures that functions answer. */
const POLICY = "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

/** The names of assets carry a hash of what is in them: what a name means never changes. */
const FOREVER = 'public, max-age=31536000, immutable'

/** Files that a build may leave: many times what it does. More of them, or larger ones, are no build of the dashboard. */
const FILES_MAX = 200
const FILE_BYTES_MAX = 4 * 2 ** 20

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}

interface Asset {
  readonly type: string
  readonly etag: string
  readonly plain: Buffer
  readonly zipped: Buffer
}

/** This peer's name and version, for the page that is shown while the dashboard is not built; and where its files are. */
export interface DashboardInit {
  readonly name: string
  readonly version: string
  /** The folder of the built dashboard. @default where the build leaves it */
  readonly folder?: string | undefined
}

/**
 * The dashboard at `/`, its files below `/assets/`. Both need no token: they are the same for everyone, and what the page shows it asks the API
 * for, with the token that its reader gives. The files are read once, when the API is built.
 */
export async function dashboardRoutes(app: App, { name, version, folder = BUILT }: DashboardInit): Promise<void> {
  const page = await readAsset(`${folder}index.html`)
  const assets = page === undefined ? new Map<string, Asset>() : await readAssets(`${folder}assets/`)
  const route = { config: { public: true }, schema: { hide: true } } as const
  const { html, type } = unbuiltPage({ name, version })

  app.get('/', route, async (request, reply) => {
    strict(reply, page === undefined ? UNBUILT_POLICY : POLICY).header('cache-control', 'no-cache')
    if (page === undefined) return await reply.type(type).send(html)
    return await send(request, reply, page)
  })

  app.get<{ Params: { file: string } }>('/assets/:file', route, async (request, reply) => {
    const asset = assets.get(request.params.file)
    if (asset === undefined) {
      throw new CaresError('not_found', 'the dashboard has no such file', {
        hint: 'load the page anew: this peer may be of another version'
      })
    }
    strict(reply, POLICY).header('cache-control', FOREVER)
    return await send(request, reply, asset)
  })
}

function strict(reply: FastifyReply, policy: string): FastifyReply {
  return reply.headers({
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin'
  })
}

async function send({ headers }: FastifyRequest, reply: FastifyReply, asset: Asset): Promise<FastifyReply> {
  void reply.type(asset.type).headers({ etag: asset.etag, vary: 'accept-encoding' })
  if (headers['if-none-match'] === asset.etag) return await reply.status(304).send()
  if (!acceptsGzip(headers['accept-encoding']?.toString() ?? '')) return await reply.send(asset.plain)
  return await reply.header('content-encoding', 'gzip').send(asset.zipped)
}

function acceptsGzip(acceptEncoding: string): boolean {
  return acceptEncoding.split(',').some(entry => /^\s*(?:gzip|x-gzip)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(entry))
}

async function readAssets(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const names = await readdir(folder)
  const found = await Promise.all(names.slice(0, FILES_MAX).map(async name => [name, await readAsset(folder + name)] as const))
  return new Map(found.flatMap(([name, asset]) => (asset === undefined ? [] : [[name, asset] as const])))
}

/** Undefined for a file that is not there, or is none of a dashboard. */
async function readAsset(path: string): Promise<Asset | undefined> {
  const type = TYPES[extname(path)]
  if (type === undefined) return undefined
  let plain: Buffer
  try {
    plain = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (plain.length > FILE_BYTES_MAX) return undefined
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  return { type, etag, plain, zipped: await promisify(gzip)(plain, { level: 9 }) }
}
