import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CaresError } from '../model/errors.ts'

/** As the Engine API takes it in `X-Registry-Auth`. */
export type RegistryAuth =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string }

/** What is used of the `config.json` that `docker login` writes. */
interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>
  readonly credsStore?: string
  readonly credHelpers?: Readonly<Record<string, string>>
}

/** Under this name Docker Hub's credentials are kept. */
const DOCKER_HUB = 'https://index.docker.io/v1/'
/** Helpers are programs by this name; theirs must not become a path. */
const HELPER_NAME = /^[\w.-]+$/
/** What a helper answers for a token instead of a name and password. */
const TOKEN_USER = '<token>'

/** The registry of an image: the first part of its name where that is a host, else Docker Hub. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost')
  return isHost && first !== 'docker.io' ? first : DOCKER_HUB
}

/**
 * The credentials for an image's registry that `docker login` has left in the folder `config`; undefined when there are none. Throws `invalid` when
 * they cannot be read: asking without them would end in a misleading "not found".
 */
export async function registryAuth(image: string, config: string, { signal }: { signal: AbortSignal }): Promise<RegistryAuth | undefined> {
  const known = await readConfig(join(config, 'config.json'))
  const serveraddress = registryOf(image)
  const helper = known.credHelpers?.[serveraddress] ?? known.credsStore
  if (helper !== undefined) return askHelper(helper, serveraddress, signal)
  const kept = known.auths?.[serveraddress] ?? known.auths?.[`https://${serveraddress}`]
  if (kept?.identitytoken !== undefined && kept.identitytoken !== '') return { identitytoken: kept.identitytoken, serveraddress }
  const pair = Buffer.from(kept?.auth ?? '', 'base64').toString()
  const colon = pair.indexOf(':')
  return colon <= 0 ? undefined : { username: pair.slice(0, colon), password: pair.slice(colon + 1), serveraddress }
}

async function readConfig(path: string): Promise<DockerConfig> {
  try {
    const config: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof config !== 'object' || config === null) throw new TypeError('it holds no JSON object')
    return config
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {}
    throw new CaresError('invalid', `the registry credentials in ${path} cannot be read`, {
      hint: 'docker login writes the file anew',
      cause
    })
  }
}

/** https://github.com/docker/docker-credential-helpers: the server goes in, its credentials come out as JSON; exit 1 is "none". */
async function askHelper(name: string, serveraddress: string, signal: AbortSignal): Promise<RegistryAuth | undefined> {
  if (!HELPER_NAME.test(name)) throw new CaresError('invalid', `not the name of a credential helper: ${JSON.stringify(name)}`)
  const program = `docker-credential-${name}`
  try {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], signal })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.stdin.on('error', () => {}) // It may end without having read.
    child.stdin.end(serveraddress)
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) return undefined
    const { Username: username, Secret: password } = JSON.parse(text) as { Username: string; Secret: string }
    return username === TOKEN_USER ? { identitytoken: password, serveraddress } : { username, password, serveraddress }
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw new CaresError('invalid', `${program}, which is to know the credentials for ${serveraddress}, failed`, {
      hint: 'install it where the peer finds it, or docker login without a helper',
      cause
    })
  }
}
