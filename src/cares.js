#!/usr/bin/env node
// Starts CARES on Node 24 or newer, whatever Node this is. Plain JavaScript that Node 16 can read, and without a build step of its own.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24

/** For "this service is not available": sysexits.h calls it EX_UNAVAILABLE. */
const EXIT_NODE_TOO_OLD = 69

/**
 * A peer lives long and is mostly idle. With a young generation of 16 MiB instead of up to 128 it holds 70 MiB less; it is collected more often, and as
 * quickly, since next to nothing in it lives on. And it may collect by itself what bulk leaves behind (network/young-sweep.ts).
 */
const PEER_OPTIONS = ['--max-semi-space-size=8', '--expose-gc']

/** The descriptor by which a program learns that its launcher is gone: nothing is ever written to it. */
const LAUNCHER_PIPE = 3

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
  startOver()
  await endWithLauncher()
  const source = new URL('./main.ts', import.meta.url)
  // Node does not strip types below node_modules, so an installed package runs its build.
  const installed = realpathSync(fileURLToPath(import.meta.url))
    .split(sep)
    .includes('node_modules')
  const entry = !installed && existsSync(source) ? source : new URL('../dist/main.js', import.meta.url)
  // What the screens are drawn with checks itself, for its developers, unless it is told not to.
  process.env.NODE_ENV ??= 'production'
  await cacheCompiled()
  const { main } = await import(entry.href)
  process.exitCode = await main(process.argv.slice(2))
} else {
  const node = process.env.CARES_NODE_FOUND === undefined ? findNode() : undefined
  if (node === undefined) {
    console.error(`cares: needs Node.js ${NODE_MAJOR_MIN} or newer, this is ${process.version}\n  try: nvm install ${NODE_MAJOR_MIN}`)
    process.exit(EXIT_NODE_TOO_OLD)
  }
  const child = spawn(node, [...ownOptions(), ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, CARES_NODE_FOUND: '1' }
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    console.error(`cares: cannot start ${node}: ${error.message}`)
    process.exit(EXIT_NODE_TOO_OLD)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    // End as the child has ended, so that a shell sees the same signal.
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/**
 * What Node itself is to be started with for this command. Options may come before it, and only main.ts knows which of them take a value: a command
 * that has `peer` among its arguments is started so, too, and does not notice.
 */
function ownOptions() {
  return process.argv.slice(2).includes('peer') ? PEER_OPTIONS : []
}

/** Puts a Node with these options in the place of this one. Where that cannot be done, the peer needs more memory and works as well. */
function startOver() {
  const options = ownOptions().filter(option => !process.execArgv.includes(option))
  if (options.length === 0 || typeof process.execve !== 'function') return
  try {
    process.execve(process.execPath, [process.execPath, ...process.execArgv, ...options, ...process.argv.slice(1)], process.env)
  } catch {
    // Not on this platform.
  }
}

/**
 * A launcher that is killed can hand no signal on, but its end of the pipe closes: this process then ends as if it had been asked to. Else it
 * would hold data directory and ports with nobody left who knows of it.
 */
async function endWithLauncher() {
  if (process.env.CARES_NODE_FOUND === undefined) return
  // The pipe is not handed on to what this process starts, so neither is the word of it.
  delete process.env.CARES_NODE_FOUND
  const { Socket } = await import('node:net')
  const pipe = new Socket({ fd: LAUNCHER_PIPE })
  pipe.on('error', () => {}) // Closes it, too.
  pipe.on('close', () => process.kill(process.pid, 'SIGTERM'))
  pipe.resume().unref()
}

/** Keeps compiled code between runs: a command then starts in half the time. Not in the shared /tmp, where others could write it. */
async function cacheCompiled() {
  try {
    const { enableCompileCache } = await import('node:module')
    enableCompileCache(join(homedir(), '.cache', 'cares', 'compiled'))
  } catch {
    // A user without a home directory waits a little longer.
  }
}

/** The Node that comes as an optional dependency, where there is one for this machine. */
function findNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`)
  } catch {
    return undefined
  }
}
