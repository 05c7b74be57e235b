import { request } from 'node:http'

/** Exits 0 when a Docker engine answers on the socket (the only argument) within two seconds, else 1. Needs no Docker client. */
const [socketPath = '/var/run/docker.sock'] = process.argv.slice(2)
const ping = request({ socketPath, path: '/_ping', timeout: 2_000 }, response => {
  response.resume()
  process.exitCode = response.statusCode === 200 ? 0 : 1
})
ping.on('timeout', () => ping.destroy(new Error('no answer')))
ping.on('error', () => {
  process.exitCode = 1
})
ping.end()
