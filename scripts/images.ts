// Makes the example images, and those that the tests need, on this machine: no registry is asked. Run it with `npx node scripts/images.ts`.
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** One image that is made: what it is for, what is in it, and how it is started. */
export interface ImageRecipe {
  readonly name: string
  readonly about: string
  /** `busybox`: a static shell and its tools, 2 MB. `node`: those, the Node.js that this script runs with, and `program`. */
  readonly base: 'busybox' | 'node'
  readonly command: readonly string[]
  /** A TypeScript file beside this one, at `/app/` in the image. */
  readonly program?: string
  /** Further lines, as in a Dockerfile. */
  readonly changes?: readonly string[]
}

/** For people who try CARES. */
export const EXAMPLE_IMAGES: readonly ImageRecipe[] = [
  { name: 'cares-example/echo', about: 'answers with what it is sent', base: 'busybox', command: ['cat'] },
  { name: 'cares-example/upper', about: 'answers in upper case', base: 'busybox', command: ['tr', 'a-z', 'A-Z'] },
  {
    name: 'cares-example/fail',
    about: 'reads its input, complains and fails with exit code 3',
    base: 'busybox',
    command: ['sh', '-c', 'cat >/dev/null; echo "this is not a picture" >&2; exit 3']
  },
  {
    name: 'cares-example/slow',
    about: 'takes two seconds, then answers with what it was sent',
    base: 'busybox',
    command: ['sh', '-c', 'sleep 2; cat']
  },
  {
    name: 'cares-example/web',
    about: 'an HTTP server that says which container answered',
    base: 'node',
    program: 'web.ts',
    command: ['node', '/app/web.ts'],
    changes: ['EXPOSE 8080', 'ENV PORT=8080', 'HEALTHCHECK CMD wget -q -O- http://localhost:8080/healthz']
  }
]

/** For the tests: programs that break the contract, each in its own way. */
export const TEST_IMAGES: readonly ImageRecipe[] = [
  { name: 'cares-test/hang', about: 'never ends', base: 'busybox', command: ['sleep', '3600'] },
  {
    name: 'cares-test/stubborn',
    about: 'ignores SIGTERM',
    base: 'busybox',
    command: ['sh', '-c', 'trap "" TERM; echo deaf >&2; while :; do sleep 1; done']
  },
  { name: 'cares-test/flood', about: 'writes without end', base: 'busybox', command: ['yes'] },
  {
    name: 'cares-test/deaf',
    about: 'answers and exits without reading its input',
    base: 'busybox',
    command: ['sh', '-c', 'exec 0<&-; echo done']
  },
  { name: 'cares-test/env', about: 'tells its environment', base: 'busybox', command: ['env'] },
  {
    name: 'cares-test/cut',
    about: 'writes 100,000 bytes, then fails',
    base: 'busybox',
    command: ['sh', '-c', 'head -c 100000 /dev/zero; sleep 0.2; echo "broken pipe organ" >&2; exit 4']
  },
  { name: 'cares-test/eat', about: 'takes memory without end', base: 'busybox', command: ['awk', 'BEGIN { s = "x"; while (1) s = s s }'] },
  {
    name: 'cares-test/spin',
    about: 'computes for a while',
    base: 'busybox',
    command: ['awk', 'BEGIN { for (i = 0; i < 2000000; i++) x += i; print x }']
  },
  {
    name: 'cares-test/nettest',
    about: 'tells its network',
    base: 'busybox',
    command: ['sh', '-c', 'ip -o addr; ip route; nc -w 1 192.0.2.1 80 </dev/null || echo blocked']
  },
  { name: 'cares-test/nothing', about: 'its command does not exist', base: 'busybox', command: ['/no/such/program'] },
  { name: 'cares-test/ports', about: 'exposes two ports', base: 'busybox', command: ['cat'], changes: ['EXPOSE 80', 'EXPOSE 443'] },
  {
    name: 'cares-test/misfit',
    about: 'serves HTTP, but does not say so',
    base: 'busybox',
    command: ['httpd', '-f', '-p', '8080', '-h', '/tmp']
  },
  {
    name: 'cares-test/checked',
    about: 'accepts at once, and is ready by its own check a second later',
    base: 'busybox',
    command: ['sh', '-c', 'httpd -p 8080 -h /tmp; sleep 1; echo ok >/tmp/health; exec sleep 3600'],
    changes: ['EXPOSE 8080', 'HEALTHCHECK --interval=1s --timeout=2s --retries=1 CMD [ "$(cat /tmp/health)" = ok ]']
  }
]

/** The label that tells whether an image was made from the present recipe. */
const RECIPE_LABEL = 'io.cares.recipe'

const TOOLS = [
  '[',
  'awk',
  'cat',
  'echo',
  'env',
  'head',
  'httpd',
  'ip',
  'nc',
  'printf',
  'sh',
  'sha256sum',
  'sleep',
  'tr',
  'wc',
  'wget',
  'yes'
]

/** Makes the images that are not there yet, or were made from another recipe. Needs a Docker engine and its command line client. */
export async function makeImages(recipes: readonly ImageRecipe[], tell: (line: string) => void = () => {}): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'cares-images-'))
  try {
    const folders = new Map<string, string>()
    for (const recipe of recipes) {
      const fingerprint = await fingerprintOf(recipe)
      if ((await labelOf(recipe.name)) === fingerprint) {
        tell(`${recipe.name}  up to date`)
        continue
      }
      const key = `${recipe.base} ${recipe.program ?? ''}`
      const folder = folders.get(key) ?? (await layOut(recipe, join(scratch, String(folders.size))))
      folders.set(key, folder)
      await importImage(recipe, folder, fingerprint)
      tell(`${recipe.name}  made: ${recipe.about}`)
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function fingerprintOf(recipe: ImageRecipe): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([recipe, TOOLS]))
  if (recipe.base === 'node') hash.update(process.version)
  if (recipe.program !== undefined) hash.update(await readFile(programPath(recipe.program)))
  return hash.digest('hex')
}

async function labelOf(image: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('docker', ['image', 'inspect', '--format', `{{ index .Config.Labels "${RECIPE_LABEL}" }}`, image])
    return stdout.trim()
  } catch (error) {
    if (String((error as { stderr?: unknown }).stderr).includes('No such image')) return undefined
    throw error
  }
}

/** The image's root folder. */
async function layOut(recipe: ImageRecipe, folder: string): Promise<string> {
  for (const path of ['bin', 'tmp', 'etc', 'app']) await mkdir(join(folder, path), { recursive: true })
  await copyFile(await busybox(), join(folder, 'bin/busybox'))
  await Promise.all(TOOLS.map(async tool => symlink('busybox', join(folder, 'bin', tool))))
  if (recipe.base === 'node') await addNode(folder)
  if (recipe.program !== undefined) await copyFile(programPath(recipe.program), join(folder, 'app', recipe.program))
  return folder
}

async function busybox(): Promise<string> {
  const path = '/usr/bin/busybox'
  const isStatic = async (): Promise<boolean> => existsSync(path) && (await run('ldd', [path]).catch(() => ({ stdout: '' }))).stdout === ''
  if (await isStatic()) return path
  if (process.getuid?.() !== 0) throw new Error('busybox-static is needed: sudo apt-get install busybox-static')
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'busybox-static'])
  return path
}

/** The running Node.js and the libraries that it is linked with, at the paths where it looks for them. */
async function addNode(folder: string): Promise<void> {
  await copyFile(process.execPath, join(folder, 'bin/node'))
  const { stdout } = await run('ldd', [process.execPath])
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '')
  for (const library of libraries) {
    await mkdir(join(folder, dirname(library)), { recursive: true })
    await copyFile(library, join(folder, dirname(library), basename(library)))
  }
}

async function importImage(recipe: ImageRecipe, folder: string, fingerprint: string): Promise<void> {
  const changes = [
    `CMD ${JSON.stringify(recipe.command)}`,
    'ENV PATH=/bin',
    `LABEL ${RECIPE_LABEL}=${fingerprint}`,
    ...(recipe.changes ?? [])
  ]
  const tar = spawn('tar', ['-C', folder, '--owner=0', '--group=0', '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const options = ['import', ...changes.flatMap(change => ['--change', change]), '-', recipe.name]
  const docker = spawn('docker', options, { stdio: [tar.stdout, 'ignore', 'inherit'] })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  docker.once('error', reject)
  docker.once('exit', code => (code === 0 ? resolve() : reject(new Error(`docker import of ${recipe.name} failed with code ${code}`))))
  await promise
}

function programPath(program: string): string {
  return join(import.meta.dirname, 'images', program)
}

if (process.argv[1] === import.meta.filename) {
  const recipes = process.argv.includes('--tests') ? [...EXAMPLE_IMAGES, ...TEST_IMAGES] : EXAMPLE_IMAGES
  await makeImages(recipes, line => console.log(line))
  console.log('\nTry:\n  cares upload cares-example/upper\n  echo hello | cares invoke upper -d -')
}
