import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A PostgreSQL server of a test's own, on a socket in a temporary directory. */
export interface PostgresServer {
  /** The connection URL of a database; made if it is not there. */
  url(database: string): string
  /** Ends it at once, as a crash would. Its data stays. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends it, and removes its data. */
  dispose(): Promise<void>
}

/** Where Debian's package has the programs of the server; null: it is not installed. */
export function postgresPrograms(): string | null {
  const found = globSync('/usr/lib/postgresql/*/bin/initdb').sort().at(-1)
  return found === undefined ? null : dirname(found)
}

/** Starts one. It refuses to run as root: there, it runs as the user that the package has made. */
export async function startPostgres(programs: string): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'cares-postgres-'))
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const options = { ...owner, cwd: folder, stdio: 'ignore' as const }
  const tool = (name: string, ...args: readonly string[]): void => void execFileSync(join(programs, name), args, options)
  tool('initdb', '-D', data, '-U', 'cares', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C')
  let server: ReturnType<typeof spawn> | undefined

  const end = async (signal: 'SIGQUIT' | 'SIGINT'): Promise<void> => {
    if (server === undefined) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
    server = undefined
  }
  const start = async (): Promise<void> => {
    server = spawn(join(programs, 'postgres'), ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'shared_buffers=16MB'], options)
    const isReady = (): boolean => {
      try {
        tool('pg_isready', '-q', '-h', folder)
        return true
      } catch {
        return false // It is not ready yet, which is what was asked.
      }
    }
    while (!isReady()) if (server.exitCode !== null) throw new Error('the PostgreSQL server did not start')
  }
  await start()
  return {
    start,
    kill: () => end('SIGQUIT'),
    url: database => {
      try {
        tool('createdb', '-h', folder, '-U', 'cares', database)
      } catch {
        // It is there already.
      }
      return `postgres://cares@localhost/${database}?host=${encodeURIComponent(folder)}`
    },
    dispose: async () => {
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
