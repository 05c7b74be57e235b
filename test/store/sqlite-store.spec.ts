import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { crc32 } from 'node:zlib'
import { COMMAND_VERSION } from '../../src/core/registry/command-version.ts'
import { emptyTables } from '../../src/core/registry/tables.ts'
import { noTasks } from '../../src/core/tasks/apply-changes.ts'
import type { Entry } from '../../src/model/consensus.ts'
import type { Persisted, RegistryTables } from '../../src/model/ports/store.ts'
import { valuesOf } from '../../src/model/shards.ts'
import type { TaskId } from '../../src/model/task.ts'
import { BALLAST_BYTES } from '../../src/store/ballast.ts'
import { SqliteStore } from '../../src/store/sqlite-store.ts'
import { storeCompliance } from '../compliance/store.ts'
import { sampleFunction } from '../support/samples.ts'
import { sampleSubmit, tasksWith } from '../support/sample-task.ts'
import { skip } from '../support/skip.ts'
import { useTempDirs } from '../support/temp-dirs.ts'
import { createTestLog } from '../support/test-log.ts'

const noop = (index: number): Entry => ({ index, term: 1, kind: 'noop' })
const command = (index: number, bytes: number): Entry => ({ index, term: 1, kind: 'command', command: new Uint8Array(bytes).fill(index) })

describe('SqliteStore', () => {
  const tempDir = useTempDirs()

  storeCompliance('sqlite', () => {
    const dataDir = tempDir()
    return { store: () => new SqliteStore({ dataDir }) }
  })

  /** A closed data directory with ten entries, of which eight are applied, and two functions. */
  const filled = async (more: Partial<RegistryTables> = {}): Promise<string> => {
    const dataDir = tempDir()
    const store = new SqliteStore({ dataDir })
    await store.start()
    await store.load()
    await store.persist({ append: Array.from({ length: 10 }, (_, i) => command(i + 1, 100)) })
    const functions = new Map(['ocr', 'thumb'].map(name => [name, sampleFunction({ name })]))
    store.apply(
      [],
      { functions, removed: new Map([['old', 3]]), draining: new Set(['p']), tasks: noTasks(), remembered: new Map(), ...more },
      8
    )
    await store.stop()
    return dataDir
  }
  const change = (dataDir: string, sql: string): void => {
    const database = new DatabaseSync(join(dataDir, 'cares.db'))
    database.exec(sql)
    database.close()
  }
  const versionOf = (dataDir: string): number => {
    const database = new DatabaseSync(join(dataDir, 'cares.db'))
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    database.close()
    return version
  }
  const startAndLoad = async (dataDir: string): Promise<Persisted> => {
    const store = new SqliteStore({ dataDir })
    try {
      await store.start()
      return await store.load()
    } finally {
      await store.stop()
    }
  }

  describe('refuses what is damaged, and says so', () => {
    const damages: readonly (readonly [claim: string, sql: string, message: RegExp])[] = [
      [
        'a flipped bit in a command',
        "UPDATE log SET data = CAST(x'01' || substr(data, 2) AS BLOB) WHERE idx = 5",
        /log entry 5 .*checksum/
      ],
      ['another term', 'UPDATE log SET term = 2 WHERE idx = 5', /log entry 5 .*checksum/],
      ['another kind', "UPDATE log SET kind = 'noop' WHERE idx = 5", /log entry 5 .*checksum/],
      ['a gap in the log', 'DELETE FROM log WHERE idx = 5', /entry 5 is missing/],
      ['a lost beginning of the log', 'DELETE FROM log WHERE idx <= 5', /entry 1 is missing/],
      ['a lost end of the log', 'DELETE FROM log WHERE idx >= 8', /entries up to 8 are applied/],
      [
        'a changed function',
        `UPDATE functions SET value = replace(value, '"prewarm":0', '"prewarm":9') WHERE key = 'ocr'`,
        /row "ocr" .*checksum/
      ],
      ['a renamed row', "UPDATE functions SET key = 'other' WHERE key = 'ocr'", /row "other" .*checksum/],
      ['a changed revision', "UPDATE removed SET value = '2'", /table removed .*checksum/],
      ['a changed task', 'UPDATE task_records SET value = replace(value, \'"attempt":0\', \'"attempt":1\')', /task 1 .*checksum/],
      ['a renumbered task', 'UPDATE task_records SET seq = 2', /task 2 .*checksum/],
      ['a changed applied index', "UPDATE state SET value = '3' WHERE key = 'applied_index'", /row "applied_index" .*checksum/]
    ]
    for (const [claim, sql, message] of damages) {
      it(claim, async () => {
        const dataDir = await filled({ tasks: tasksWith(sampleSubmit()) })
        change(dataDir, sql)
        await assert.rejects(startAndLoad(dataDir), { code: 'disk_failed', message, details: { disk: 'corrupt' } })
      })
    }

    it('a row of a shape that this version does not know', async () => {
      const dataDir = await filled()
      const { crc32 } = await import('node:zlib')
      change(dataDir, `UPDATE functions SET value = '{"name":"ocr"}', crc32 = ${crc32('ocr\0{"name":"ocr"}')} WHERE key = 'ocr'`)
      await assert.rejects(startAndLoad(dataDir), { code: 'disk_failed', message: /row "ocr" .*is required/, details: { disk: 'corrupt' } })
    })

    it('a part of a snapshot that is torn or has a flipped bit: its transfer starts anew', async () => {
      for (const sql of ["UPDATE staged SET data = CAST(x'01' || substr(data, 2) AS BLOB)", 'UPDATE staged SET data = substr(data, 2)']) {
        const dataDir = tempDir()
        const store = new SqliteStore({ dataDir })
        await store.start()
        await store.load()
        const snapshot = { index: 5, term: 1, configuration: { voters: [], learners: [] } }
        const chunk = { snapshot, bytes: 300, checksum: 1, dataChecksum: 0 }
        await store.stage({ ...chunk, offset: 0, data: new Uint8Array(100).fill(1) })
        await store.stage({ ...chunk, offset: 100, data: new Uint8Array(100).fill(2) })
        await store.stop()
        change(dataDir, `${sql} WHERE byte_offset = 100`)
        await store.start()
        assert.equal((await store.load()).staged, null)
        await store.stage({ ...chunk, offset: 0, data: new Uint8Array(100) })
        await store.stop()
      }
    })

    it('a file that is no database, or only a part of one', async () => {
      const garbage = await filled()
      writeFileSync(join(garbage, 'cares.db'), 'no database '.repeat(1_000))
      await assert.rejects(startAndLoad(garbage), { code: 'disk_failed', details: { disk: 'corrupt' } })
      const cut = await filled()
      truncateSync(join(cut, 'cares.db'), statSync(join(cut, 'cares.db')).size - 4_096)
      await assert.rejects(startAndLoad(cut), { code: 'disk_failed', details: { disk: 'corrupt' } })
    })

    it('any flipped byte of the file that matters, and never gives back anything else than was written', async () => {
      const dataDir = await filled()
      const path = join(dataDir, 'cares.db')
      const sound = readFileSync(path)
      let refused = 0
      for (let at = 100; at < sound.length; at += 331) {
        writeFileSync(
          path,
          sound.map((byte, i) => (i === at ? byte ^ 0x10 : byte))
        )
        const store = new SqliteStore({ dataDir })
        try {
          await store.start()
          const { entries, tables, appliedIndex } = await store.load()
          assert.equal(entries.length, 10, `byte ${at}`)
          for (const [i, entry] of entries.entries()) {
            const data = entry.kind === 'command' ? Uint8Array.from(entry.command) : entry.kind
            assert.deepEqual([entry.index, entry.term, data], [i + 1, 1, new Uint8Array(100).fill(i + 1)], `byte ${at}`)
          }
          assert.deepEqual(
            [...tables.functions.values()],
            ['ocr', 'thumb'].map(name => sampleFunction({ name })),
            `byte ${at}`
          )
          assert.equal(appliedIndex, 8, `byte ${at}`)
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          assert.equal((error as { code?: string }).code, 'disk_failed', `byte ${at}: ${String(error)}`)
          refused++
        } finally {
          await store.stop()
        }
      }
      assert.ok(refused > 0, 'no flipped byte was noticed')
    })

    it('a database of a newer version', async () => {
      const dataDir = await filled()
      change(dataDir, 'PRAGMA user_version = 99')
      await assert.rejects(startAndLoad(dataDir), { code: 'incompatible', message: /newer version/ })
    })

    it('what commands of a newer version made', async () => {
      const [own, newer] = [await filled({ commandVersion: COMMAND_VERSION }), await filled({ commandVersion: COMMAND_VERSION + 1 })]
      await startAndLoad(own)
      await assert.rejects(startAndLoad(newer), {
        code: 'incompatible',
        message: /holds what commands of version/,
        hint: /has run on it before/
      })
    })
  })

  it('brings a database of an earlier version up', async () => {
    const dataDir = await filled()
    const version = versionOf(dataDir)
    const before = await startAndLoad(dataDir)
    change(dataDir, 'DROP TABLE staged; DROP TABLE task_records; DROP TABLE remembered; PRAGMA user_version = 1')
    const { entries, tables, appliedIndex } = await startAndLoad(dataDir)
    assert.deepEqual({ entries, tables, appliedIndex }, { entries: before.entries, tables: before.tables, appliedIndex: 8 })
    assert.equal(versionOf(dataDir), version)
  })

  describe('with tasks where an earlier version has them', () => {
    const tasks = tasksWith(...['t-c', 't-a', 't-b'].map(id => sampleSubmit({ id: id as TaskId, key: `key-${id}` })))
    /** As that version left it: its tasks by their ids. */
    const earlier = async (): Promise<string> => {
      const dataDir = await filled({ tasks })
      const rows = [...valuesOf(tasks.tasks).map(task => [task.id, JSON.stringify(task)]), ['seq', String(tasks.seq)]]
      const values = rows.map(([key, value]) => `('${key}', '${value}', ${crc32(`${key}\0${value}`)})`)
      change(
        dataDir,
        `DROP TABLE task_records; DELETE FROM state WHERE key = 'task_seq'; PRAGMA user_version = 4;
        CREATE TABLE tasks (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO tasks VALUES ${values.join()}`
      )
      return dataDir
    }

    it('moves them, once', async () => {
      const dataDir = await earlier()
      for (const start of ['first', 'second']) {
        const store = new SqliteStore({ dataDir })
        await store.start()
        assert.deepEqual((await store.load()).tables.tasks, tasks, start)
        await store.stop()
      }
    })

    it('refuses a damaged one, and leaves the others where they are', async () => {
      const dataDir = await earlier()
      change(dataDir, "UPDATE tasks SET value = replace(value, '\"attempt\":0', '\"attempt\":1') WHERE key = 't-b'")
      await assert.rejects(startAndLoad(dataDir), { code: 'disk_failed', message: /row "t-b" .*checksum/, details: { disk: 'corrupt' } })
      assert.equal(versionOf(dataDir), 4)
    })
  })

  it('keeps nobody out after a failed start', async () => {
    const dataDir = await filled()
    const version = versionOf(dataDir)
    change(dataDir, 'PRAGMA user_version = 99')
    await assert.rejects(startAndLoad(dataDir), { code: 'incompatible' })
    change(dataDir, `PRAGMA user_version = ${version}`)
    await startAndLoad(dataDir)
  })

  it('keeps its files to its owner', async () => {
    const dataDir = join(tempDir(), 'deep', 'data')
    const store = new SqliteStore({ dataDir })
    await store.start()
    await store.load()
    assert.equal(statSync(dataDir).mode & 0o777, 0o700)
    for (const name of ['cares.db', 'cares.db-wal']) assert.equal(statSync(join(dataDir, name)).mode & 0o077, 0, name)
    await store.stop()
  })

  it('keeps some room back, and frees it when the disk is full', async () => {
    const dataDir = tempDir()
    const store = new SqliteStore({ dataDir, databaseBytesMax: 200_000 })
    await store.start()
    await store.load()
    const ballast = join(dataDir, 'ballast')
    assert.equal(statSync(ballast).size, BALLAST_BYTES)
    await assert.rejects(store.persist({ append: [command(1, 300_000)] }), { details: { disk: 'full' } })
    assert.equal(existsSync(ballast), false)
    await store.stop()
    await store.start()
    assert.equal(statSync(ballast).size, BALLAST_BYTES)
    await store.stop()
  })

  it('starts on a disk with little room, without a ballast and with a warning, and with one when there is room again', async function () {
    if (process.getuid?.() !== 0) skip(this, 'it takes root to mount a small disk')
    const disk = tempDir()
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]).status !== 0) skip(this, 'no disk can be mounted here')
    try {
      const [dataDir, filler] = [join(disk, 'peer'), join(disk, 'filler')]
      const log = createTestLog()
      const store = new SqliteStore({ dataDir, log })
      await store.start()
      await store.load()
      const { bavail, bsize } = statfsSync(disk)
      writeFileSync(filler, Buffer.alloc(bavail * bsize - 200_000))
      await assert.rejects(store.persist({ append: [command(1, 400_000)] }), { details: { disk: 'full' } })
      await store.stop()
      const freed = statfsSync(disk)
      appendFileSync(filler, Buffer.alloc(freed.bavail * freed.bsize - 200_000))
      assert.equal(log.records.length, 0)

      await store.start()
      await store.load()
      await store.persist({ append: [command(1, 100)] })
      await store.stop()
      assert.equal(existsSync(join(dataDir, 'ballast')), false)
      assert.match(log.records.map(({ level, message }) => `${level} ${message}`).join(), /^warn the disk is almost full/)

      rmSync(filler)
      await store.start()
      const { entries } = await store.load()
      await store.persist({ append: [command(2, 400_000)] })
      await store.stop()
      assert.equal(entries.length, 1)
      assert.equal(statSync(join(dataDir, 'ballast')).size, BALLAST_BYTES)
      assert.equal(log.records.length, 1)
    } finally {
      spawnSync('umount', [disk])
    }
  })

  it('writes nothing more once its database was deleted or replaced', async () => {
    for (const replace of [false, true]) {
      const dataDir = tempDir()
      const store = new SqliteStore({ dataDir })
      await store.start()
      await store.load()
      await store.persist({ append: [noop(1)] })
      rmSync(join(dataDir, 'cares.db'))
      if (replace) writeFileSync(join(dataDir, 'cares.db'), '')
      const deleted = { code: 'disk_failed', message: /was deleted/, details: { disk: 'corrupt' } }
      await assert.rejects(store.persist({ append: [noop(2)] }), deleted)
      await assert.rejects(store.persist({ append: [noop(2)] }), deleted, 'for good')
      await store.stop()
    }
  })

  it('says that the disk is full, refuses to write from then on, and has everything that was acknowledged', async () => {
    const dataDir = tempDir()
    const store = new SqliteStore({ dataDir, databaseBytesMax: 256 * 1_024 })
    await store.start()
    await store.load()
    let acknowledged = 0
    await assert.rejects(
      async () => {
        for (; acknowledged < 1_000; acknowledged++) await store.persist({ append: [command(acknowledged + 1, 10_000)] })
      },
      { code: 'disk_failed', message: /cannot write the log: the disk is full/, details: { disk: 'full' } }
    )
    await assert.rejects(store.persist({ hardState: { term: 1, votedFor: null }, append: [] }), { details: { disk: 'full' } })
    await store.stop()
    assert.ok(acknowledged > 10 && acknowledged < 30, `${acknowledged} of 10 kB fit into 256 KiB`)
    const after = new SqliteStore({ dataDir })
    await after.start()
    assert.equal((await after.load()).entries.length, acknowledged)
    await after.stop()
  })

  it('writes the tables when it is told to, and not with each change of them', async () => {
    const dataDir = tempDir()
    const store = new SqliteStore({ dataDir })
    await store.start()
    await store.load()
    const written = (): unknown => {
      const database = new DatabaseSync(join(dataDir, 'cares.db'), { readOnly: true })
      const row = database.prepare("SELECT value FROM state WHERE key = 'applied_index'").get()
      const draining = database.prepare('SELECT key FROM draining').all()
      database.close()
      return [row?.['value'], draining.map(({ key }) => key)]
    }
    await store.persist({ append: [noop(1), noop(2), noop(3), noop(4)] })
    store.apply([], { ...emptyTables(), draining: new Set(['a']) }, 1)
    await store.flush()
    store.apply([], { ...emptyTables(), draining: new Set(['b']) }, 2)
    await store.persist({ append: [noop(5)] })
    assert.deepEqual(written(), ['1', ['a']])
    await store.compact({ index: 2, term: 1, configuration: { voters: [], learners: [] } })
    assert.deepEqual(written(), ['2', ['b']], 'the log could not bring them back')
    store.apply([], emptyTables(), 3)
    await store.stop()
    assert.deepEqual(written(), ['3', []])
  })

  it('writes all of a batch or nothing of it', async () => {
    const dataDir = tempDir()
    const store = new SqliteStore({ dataDir })
    await store.start()
    await store.load()
    const unstorable: Entry = { index: 2, term: 1.5, kind: 'noop' }
    await assert.rejects(store.persist({ hardState: { term: 2, votedFor: null }, append: [noop(1), unstorable] }), { code: 'disk_failed' })
    await store.stop()
    await store.start()
    const { hardState, entries } = await store.load()
    assert.deepEqual({ hardState, entries }, { hardState: { term: 0, votedFor: null }, entries: [] })
    await store.stop()
  })

  describe('with another process', function () {
    // Processes take their time to start on a busy machine.
    this.timeout(60_000)
    const children: ChildProcess[] = []
    afterEach(() => {
      for (const child of children.splice(0)) child.kill('SIGKILL')
    })
    /** A process that persists and applies entries one by one, and prints each index once it is acknowledged. */
    const persistLoop = (dataDir: string): { child: ChildProcess; lines: AsyncIterator<string> } => {
      const script = new URL('./support/persist-loop.ts', import.meta.url).pathname
      const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
      children.push(child)
      if (child.stdout === null) throw new Error('no stdout')
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
    }
    const kill = async (child: ChildProcess): Promise<void> => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }

    it('has everything that was acknowledged before a SIGKILL', async () => {
      const dataDir = tempDir()
      let expected = 0
      for (const acknowledgements of [1, 7, 40]) {
        const { child, lines } = persistLoop(dataDir)
        for (let i = 0; i < acknowledgements; i++) expected = Number((await lines.next()).value)
        await kill(child)
        for (let line = await lines.next(); line.done !== true; line = await lines.next()) expected = Number(line.value)

        const store = new SqliteStore({ dataDir })
        await store.start()
        const { entries, appliedIndex, tables } = await store.load()
        await store.stop()
        assert.ok(entries.length >= expected, `${expected} were acknowledged, ${entries.length} are there`)
        assert.ok(appliedIndex >= expected - 1)
        // Tables and applied index are of one transaction.
        assert.equal(tables.functions.get('thumb')?.revision ?? 0, appliedIndex)
        expected = entries.length
      }
    })

    it('refuses a directory that a live process has, and names it; a killed one leaves it free', async () => {
      const dataDir = tempDir()
      const { child, lines } = persistLoop(dataDir)
      await lines.next()
      const store = new SqliteStore({ dataDir })
      await assert.rejects(store.start(), ({ code, message, details }: Record<string, unknown>) => {
        assert.equal(code, 'conflict')
        assert.match(String(message), new RegExp(`process ${child.pid}`))
        assert.equal((details as { pid: number }).pid, child.pid)
        return true
      })
      await kill(child)
      await store.start()
      assert.equal((await store.load()).session, 2)
      await store.persist({ append: [] })
      await store.stop()
    })
  })

  it('starts from a log that was cut, without the entries before', async () => {
    const dataDir = await filled()
    const store = new SqliteStore({ dataDir })
    await store.start()
    await store.load()
    await store.compact({ index: 8, term: 1, configuration: { voters: [], learners: [] } })
    await store.persist({ append: [noop(11)] })
    await store.stop()
    const again = new SqliteStore({ dataDir })
    await again.start()
    assert.deepEqual(
      (await again.load()).entries.map(({ index }) => index),
      [9, 10, 11]
    )
    await again.stop()
  })
})
