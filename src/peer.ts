import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createApi } from './api/api.ts'
import type { PeerConfig } from './config.ts'
import { COMMAND_VERSION } from './core/registry/command-version.ts'
import { STRATEGIES } from './core/scheduler/strategies/strategies.ts'
import { createDaemon, type Daemon } from './daemon/daemon.ts'
import { foundCluster } from './daemon/agreement/found-cluster.ts'
import { newClusterUid, newInvocationId } from './daemon/new-ids.ts'
import { createSystemClock } from './daemon/system-clock.ts'
import { CaresError } from './model/errors.ts'
import { peerName } from './model/peer-name.ts'
import type { PeerProfile } from './model/peer.ts'
import type { ClusterUid, PeerId } from './model/ids.ts'
import type { Clock } from './model/ports/clock.ts'
import type { Logger } from './model/ports/logger.ts'
import type { Startable } from './model/ports/startable.ts'
import type { TaskStore } from './model/ports/task-store.ts'
import type { Tracer } from './model/ports/tracer.ts'
import { PRESETS } from './model/presets.ts'
import { createRandom } from './model/random.ts'
import type { PeerService } from './model/service.ts'
import { parseClusterId } from './network/cluster-id.ts'
import { generateIdentity } from './network/identity.ts'
import { createLibp2pTransport } from './network/libp2p-transport.ts'
import { checkListen } from './network/listen-check.ts'
import { createTcp } from './network/tcp.ts'
import { chooseSecret } from './network/secret.ts'
import { dockerArch } from './runtime/arch.ts'
import { gpuLabels, listGpus } from './runtime/gpus.ts'
import { openHost } from './runtime/host.ts'
import { measureSpeed } from './runtime/calibration.ts'
import { createRuntime } from './runtime/runtime.ts'
import { BlobFiles } from './store/blob-files.ts'
import { isDatabaseLost, readClusterMark } from './store/cluster-mark.ts'
import { loadIdentity } from './store/identity.ts'
import { readSecret, removeSecret, writeSecret } from './store/secret.ts'
import { createSpool } from './store/spool-files.ts'
import { SqliteObservationStore } from './store/observation-store.ts'
import { SqliteStore } from './store/sqlite-store.ts'
import { AlertWebhook } from './telemetry/alert-webhook.ts'
import { VERSION } from './version.ts'
import { decodeCommand, encodeCommand } from './wire/command-codec.ts'

/** One running peer. */
export interface Peer extends Startable {
  readonly service: PeerService
  /** Where the API listens, once started. */
  readonly apiUrl: string
  /** Resolves when the peer has left its cluster for good, and should be stopped. */
  readonly left: Promise<void>
}

/** Bytes that seed a peer's random choices: no two peers must draw alike. */
const SEED_BYTES = 6

/**
 * Builds a peer out of its parts: its data directory, the machine, the other peers, the daemon between them, and the API in front. `start`
 * resolves when the peer is in a cluster; the API answers before that.
 *
 * Throws where a restart with other settings is needed: `conflict` (the data directory is in use, belongs to another cluster, or has lost its
 * database), `invalid` (a cluster id), `incompatible` (a newer version wrote the data), `unauthorized` (the cluster's secret).
 */
export async function createPeer(config: PeerConfig, { log }: { log: Logger }): Promise<Peer> {
  const clock = createSystemClock()
  const timings = PRESETS[config.preset]
  const random = createRandom(randomBytes(SEED_BYTES).readUIntBE(0, SEED_BYTES))
  const bootstrap = config.bootstrap.map(parseClusterId)

  // Whoever names no cluster founds one, which must not be by mistake. Before the store makes a new database: the next start would find that one.
  if (bootstrap.length === 0 && isDatabaseLost(config.data)) throw lostDatabase(config.data)
  const store = new SqliteStore({ dataDir: config.data, log })
  await store.start()
  try {
    const { id: self, privateKey } = await loadIdentity(config.data, generateIdentity)
    const loaded = await store.load()
    if (bootstrap.length === 0 && loaded.cluster === null && readClusterMark(config.data) !== null) throw lostDatabase(config.data)
    const persisted = bootstrap.length > 0 ? loaded : await foundCluster(store, loaded, { self, uid: newClusterUid() })
    const secret = chooseSecret({
      open: config.open,
      given: [config.secret, ...bootstrap.map(id => id.secret ?? null)],
      stored: readSecret(config.data),
      belongs: loaded.cluster !== null,
      creates: loaded.cluster === null && bootstrap.length === 0
    })
    if (secret !== null) writeSecret(config.data, secret)

    const host = await openHost({ cpus: config.cpus ?? undefined, memoryBytes: config.memoryBytes ?? undefined, dataPath: config.data })
    const gpus = config.work && config.runtime === 'docker' ? await listGpus() : []
    const runtime = config.work
      ? createRuntime(
          {
            kind: config.runtime,
            peer: self,
            cluster: persisted.cluster,
            session: persisted.session,
            capacity: host.capacity,
            gpus: gpus.map(({ id }) => id),
            llc: config.llc,
            dockerHost: config.dockerHost ?? undefined,
            dockerConfig: config.dockerConfig ?? undefined
          },
          { clock, log }
        )
      : null
    const transport = await createLibp2pTransport(
      {
        privateKey,
        listen: config.listen,
        announce: config.announce,
        bootstrap,
        secret: secret ?? undefined,
        dialMs: timings.dialMs,
        logLevel: libp2pLogLevel(config.logLevelLibp2p)
      },
      { clock, log }
    )

    const name = config.name ?? peerName(self)
    const startedAt = clock.timestamp()
    let speed: number | undefined
    let apiUrl = `http://${config.http.host}:${config.http.port}`
    const taskStore = await taskStoreOf(config, { cluster: () => daemon.service.cluster().uid, clock, log })
    const profile = (): PeerProfile => ({
      id: self,
      name,
      session: persisted.session,
      addresses: transport.addresses(),
      api: apiUrl,
      version: VERSION,
      commandVersion: COMMAND_VERSION,
      runtime: runtime?.kind ?? 'none',
      arch: runtime?.arch ?? dockerArch(process.arch),
      capacity: host.capacity,
      labels: { ...(runtime?.gpuRefusal === undefined ? gpuLabels(gpus) : {}), ...config.labels },
      usdPerHour: config.usdPerHour,
      taskStore: taskStore?.kind ?? 'log',
      startedAt,
      ...(speed === undefined ? {} : { speed }),
      ...(runtime?.gpuRefusal === undefined ? {} : { gpuRefusal: runtime.gpuRefusal }),
      ...(typeof taskStore?.id === 'string' ? { taskStoreId: taskStore.id } : {})
    })
    const tracer = await tracerOf(config, { peer: self, name, clock, log })
    const daemon: Daemon = createDaemon(
      {
        self,
        session: persisted.session,
        persisted,
        timings,
        strategy: STRATEGIES[config.strategy],
        private: secret !== null,
        alerts: config.alerts
      },
      {
        store,
        transport,
        host,
        runtime,
        spool: createSpool(join(config.data, 'images')),
        taskStore,
        blobs: new BlobFiles({ folder: join(config.data, 'payloads'), roomBytes: config.taskRoomBytes }, { clock }),
        directory: transport,
        tcp: createTcp({ host: config.publishHost ?? config.http.host }),
        observations: new SqliteObservationStore({ dataDir: config.data }),
        clock,
        log,
        random,
        codec: { encode: encodeCommand, decode: decodeCommand },
        seeds: bootstrap.map((id, index) => ({ text: config.bootstrap[index] ?? '', dial: options => transport.dialSeed(id, options) })),
        profile,
        clusterId: () => transport.clusterId(),
        newInvocationId,
        alertSink:
          config.alertWebhook === null
            ? undefined
            : new AlertWebhook(
                { url: config.alertWebhook, secret: config.alertSecret, peer: profile, cluster: () => daemon.service.cluster().uid },
                { clock, log: log.child('alerts') }
              ),
        tracer
      }
    )
    const api = createApi(
      { ...config.http, tokens: config.tokens, hostNames: [hostname(), ...config.hostNames] },
      { service: daemon.service, clock, log }
    )
    let starting: Promise<void> | undefined
    const startParts = async (): Promise<void> => {
      await checkListen(config.listen)
      if (runtime !== null && config.calibrate) speed = await measureSpeed({ clock })
      await api.start()
      apiUrl = api.url
      await daemon.start()
    }
    const left = daemon.left.then(() => removeSecret(config.data))
    left.catch((err: unknown) => log.error({ err }, 'secret of the cluster is still in the data directory'))
    return {
      service: daemon.service,
      left,
      get apiUrl() {
        return api.url
      },
      async start() {
        starting ??= startParts()
        await starting
      },
      async stop() {
        // This also ends a start that is still looking for its cluster; what that has begun by then is stopped below.
        await daemon.stop()
        await starting?.catch(() => {}) // The caller of start() gets the error.
        await api.stop()
        await tracer?.stop()
        await store.stop()
      }
    }
  } catch (err) {
    await store.stop()
    throw err
  }
}

function lostDatabase(data: string): CaresError {
  return new CaresError('conflict', `the data directory ${data} is of a peer that was in a cluster, and its database is gone`, {
    hint: 'to come back to that cluster, move the directory away and start with --bootstrap (the id that `cares id` prints on another peer): this peer joins as a new one; to found a new cluster, remove the directory'
  })
}

/** The tracer, if calls are traced. Its libraries are loaded here, so that only peers that trace pay for them. */
async function tracerOf(
  { traceEndpoint, traceRatio }: PeerConfig,
  { peer, name, clock, log }: { peer: PeerId; name: string; clock: Clock; log: Logger }
): Promise<Tracer | undefined> {
  if (traceEndpoint === null) return undefined
  const { createOtlpTracer } = await import('./telemetry/otlp-tracer.ts')
  const resource = { 'service.instance.id': peer, 'service.version': VERSION, 'cares.peer.name': name }
  return createOtlpTracer({ endpoint: traceEndpoint, ratio: traceRatio, resource }, { clock, log: log.child('traces') })
}

/** The database of tasks, if they are kept in one. Its library is loaded here, so that only peers that need it pay for it. */
async function taskStoreOf(
  { taskStoreUrl: url }: PeerConfig,
  { cluster, clock, log }: { cluster: () => ClusterUid | null; clock: Clock; log: Logger }
): Promise<TaskStore | undefined> {
  if (url === null) return undefined
  const { PostgresTaskStore } = await import('./store/postgres/postgres-task-store.ts')
  return new PostgresTaskStore({ url }, { cluster, clock, log: log.child('task-store') })
}

/** CARES' log level for libp2p as one of libp2p's own, which are fewer: it logs everything or next to nothing. */
function libp2pLogLevel(level: PeerConfig['logLevelLibp2p']): 'none' | 'warn' | 'debug' {
  if (level === 'debug') return 'debug'
  return level === 'silent' || level === 'error' ? 'none' : 'warn'
}
