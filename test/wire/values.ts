import * as fc from 'fast-check'
import type { AdmissionOutcome, AdmissionQuestion, AdmissionRecord, AdmissionRequest } from '../../src/model/admission.ts'
import type { BlobDown, BlobUp } from '../../src/model/blob-transfer.ts'
import type { TaskId } from '../../src/model/task.ts'
import type { TunnelDown, TunnelUp } from '../../src/model/tunnel.ts'
import type { Command, Outcome } from '../../src/model/command.ts'
import type { Configuration, ConsensusMessage, Entry, EntryId } from '../../src/model/consensus.ts'
import type { ControlAnswer, ControlRequest } from '../../src/model/control.ts'
import type { CostLedger } from '../../src/model/costs.ts'
import type { CallPolicy, FunctionRecord, FunctionSpec, PlacementPolicy } from '../../src/model/function.ts'
import { type FunctionHistory, LATENCY_CLASSES_MS } from '../../src/model/history.ts'
import type { ArchiveId, Attempt, ClusterUid, Digest, InvocationId, PeerId } from '../../src/model/ids.ts'
import type { InvocationQuery, InvocationSummary } from '../../src/model/invocation-list.ts'
import type { ImageDown, ImageUp } from '../../src/model/image-transfer.ts'
import type {
  AnswerDown,
  AnswerEnd,
  AnswerHead,
  CallHead,
  ExecuteDown,
  ExecuteUp,
  InvocationRecord,
  InvokeDown,
  InvokeUp,
  Order,
  RemoteError,
  Run,
  Usage,
  WholeAnswer
} from '../../src/model/invocation.ts'
import { CACHE_BASES, type CacheNeed, LLC_MODES, type LlcState } from '../../src/model/llc.ts'
import type { LogLine, LogQuery } from '../../src/model/logs.ts'
import type { SharedObservation } from '../../src/model/observation.ts'
import type { AgreedState, ClusterDigest, Heartbeat, PeerDigest, PeerProfile, PeerStats, Pressure, WarmPool } from '../../src/model/peer.ts'
import {
  type AgreedStrategy,
  type CostMs,
  type Decision,
  ESTIMATE_BASES,
  type Estimate,
  OBJECTIVES,
  STRATEGY_NAMES,
  type Receipt,
  type ScoreTerms,
  type Verdict
} from '../../src/model/placement.ts'
import type { ConsensusFrame } from '../../src/wire/consensus-codec.ts'
import type { LaneFrame } from '../../src/wire/lane-codec.ts'
import { SNAPSHOT_BYTES_MAX } from '../../src/wire/limits.ts'
import { taskAnswer, taskAsk, taskCommand, taskOutcome } from './task-values.ts'

/*
 * Arbitrary values of everything that travels. `record` asks for every field of the model's type, the optional ones too: a field that the model
 * gains does not compile here until somebody has thought of the wire.
 */

type OptionalKeys<Value> = { [Key in keyof Value]-?: undefined extends Value[Key] ? Key : never }[keyof Value]

function record<Value extends object>(
  fields: { [Key in keyof Value]-?: fc.Arbitrary<Exclude<Value[Key], undefined>> },
  optional: readonly OptionalKeys<Value>[] = []
): fc.Arbitrary<Value> {
  const requiredKeys = (Object.keys(fields) as (keyof Value)[]).filter(key => !optional.includes(key as OptionalKeys<Value>))
  return fc.record(fields, { requiredKeys, noNullPrototype: true })
}

const one = fc.constant
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const name = fc.string({ minLength: 1, maxLength: 24 })
const whole = fc.oneof(fc.nat(), fc.maxSafeNat())
const small = fc.nat()
const amount = fc.double({ min: 0, max: 1e9, noNaN: true }).map(value => value + 0)
const ratio = fc.double({ min: 0, max: 1, noNaN: true }).map(value => value + 0)
const flag = fc.boolean()
const bytes = fc.uint8Array({ maxLength: 64 })
const unsigned32 = fc.nat({ max: 2 ** 32 - 1 })
const peer = name as fc.Arbitrary<PeerId>
const invocation = name as fc.Arbitrary<InvocationId>
const cluster = name as fc.Arbitrary<ClusterUid>
const digest = name as fc.Arbitrary<Digest>
const archive = name as fc.Arbitrary<ArchiveId>
const json = fc.dictionary(name, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }).map(value => JSON.stringify(value))
const few = <Item>(item: fc.Arbitrary<Item>): fc.Arbitrary<Item[]> => fc.array(item, { maxLength: 4 })
const pairs = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Record<string, Value>> =>
  fc.dictionary(
    name.filter(key => key !== '__proto__'),
    value,
    { maxKeys: 4, noNullPrototype: true }
  )

const attempt = record<Attempt>({ round: small, try: small })
const headers = few(fc.tuple(name, text))
const usage = record<Usage>(
  {
    queueMs: amount,
    pullMs: amount,
    startMs: amount,
    runMs: amount,
    cpuMs: amount,
    memoryPeakBytes: whole,
    llcBytes: whole,
    llcUsedBytes: whole,
    bytesIn: whole,
    bytesOut: whole,
    disturbed: fc.constant(true)
  },
  ['cpuMs', 'memoryPeakBytes', 'llcBytes', 'llcUsedBytes', 'disturbed']
)
const error = record<RemoteError>({ code: name, message: text, hint: text, retryable: flag, details: json, started: flag }, ['hint'])
const callHead = record<CallHead>({ method: name, path: text, query: text, headers, bodyBytes: whole, webSocket: fc.constant(true) }, [
  'bodyBytes',
  'webSocket'
])
const start = fc.constantFrom('warm' as const, 'prewarmed' as const, 'cold' as const)
const run = record<Run>({ start, usage })
const timing = record<NonNullable<AnswerHead['timing']>>({ queueMs: amount, pullMs: amount, startMs: amount })
const answerHead = record<AnswerHead>({ status: fc.integer({ min: 100, max: 599 }), headers, start, timing }, ['timing'])
const answerEnd = record<AnswerEnd>({ usage, exitCode: fc.integer() }, ['exitCode'])
const body = record<Extract<AnswerDown, { type: 'body' }>>({ type: one('body'), chunk: bytes })
const end = record<{ type: 'end' }>({ type: one('end') })
const answerDown: fc.Arbitrary<AnswerDown> = fc.oneof(
  record<Extract<AnswerDown, { type: 'answer' }>>(
    { type: one('answer'), head: answerHead, whole: record<WholeAnswer>({ body: bytes, end: answerEnd }) },
    ['whole']
  ),
  body,
  record<Extract<AnswerDown, { type: 'answer-end' }>>({
    type: one('answer-end'),
    end: answerEnd
  }),
  record<Extract<AnswerDown, { type: 'failed' }>>({ type: one('failed'), error, run }, ['run'])
)

const imageDown: fc.Arbitrary<ImageDown> = fc.oneof(
  body,
  end,
  record<Extract<ImageDown, { type: 'failed' }>>({ type: one('failed'), error }),
  record<Extract<ImageDown, { type: 'elsewhere' }>>({ type: one('elsewhere'), peers: few(peer) }),
  record<Extract<ImageDown, { type: 'head' }>>({ type: one('head'), archive })
)
const granted = fc.integer({ min: 0, max: 8_388_608 })
const imageUp: fc.Arbitrary<ImageUp> = fc.oneof(
  record<Extract<ImageUp, { type: 'get' }>>({ type: one('get'), digest, archive, offset: whole, bytes: granted, direct: flag }, [
    'archive'
  ]),
  record<Extract<ImageUp, { type: 'more' }>>({ type: one('more'), bytes: granted })
)

const blobUp: fc.Arbitrary<BlobUp> = fc.oneof(
  record<Extract<BlobUp, { type: 'read' }>>({ type: one('read'), digest, offset: whole, bytes: fc.integer({ min: 1, max: 1_048_576 }) }),
  record<Extract<BlobUp, { type: 'hold' }>>({ type: one('hold'), digest, bytes: whole }),
  record<Extract<BlobUp, { type: 'find' }>>({ type: one('find'), digest })
)
const blobDown: fc.Arbitrary<BlobDown> = fc.oneof(
  record<Extract<BlobDown, { type: 'piece' }>>({ type: one('piece'), chunk: bytes }),
  record<Extract<BlobDown, { type: 'held' }>>({ type: one('held'), bytes: whole }),
  record<Extract<BlobDown, { type: 'failed' }>>({ type: one('failed'), error })
)

const tunnelUp: fc.Arbitrary<TunnelUp> = fc.oneof(
  record<Extract<TunnelUp, { type: 'open' }>>({ type: one('open'), task: fc.constant('t-1' as TaskId) }),
  record<Extract<TunnelUp, { type: 'body' }>>({ type: one('body'), chunk: bytes })
)
const tunnelDown: fc.Arbitrary<TunnelDown> = fc.oneof(
  record<Extract<TunnelDown, { type: 'opened' }>>({ type: one('opened') }),
  record<Extract<TunnelDown, { type: 'body' }>>({ type: one('body'), chunk: bytes })
)

const cost = record<CostMs>({ network: amount, start: amount, pull: amount, queue: amount, run: amount, cache: amount, total: amount }, [
  'cache'
])
const reason = fc.constantFrom('not_alive' as const, 'memory' as const, 'deadline' as const)
const terms = record<ScoreTerms>(
  {
    usdPerHour: amount,
    usd: amount,
    cpuLoad: amount,
    memoryLoad: amount,
    cpuShare: amount,
    turn: amount,
    place: amount,
    llcFreeBytes: amount
  },
  ['llcFreeBytes']
)
const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  record<Extract<Verdict, { fits: true }>>({ peer, fits: one(true), cost, start: fc.constantFrom('warm', 'cold'), score: amount, terms }, [
    'score',
    'terms'
  ]),
  record<Extract<Verdict, { fits: false }>>(
    {
      peer,
      fits: one(false),
      reason,
      needed: amount,
      available: amount,
      constraint: text,
      arch: record<{ image: string; peer: string }>({ image: name, peer: text })
    },
    ['needed', 'available', 'constraint', 'arch']
  )
)
const placement = fc.constantFrom('orchestrator' as const, 'fallback' as const)
const callPolicy = record<CallPolicy>(
  { objective: fc.constantFrom(...OBJECTIVES), maxCostUsd: amount, require: fc.array(name, { minLength: 1, maxLength: 4 }) },
  ['objective', 'maxCostUsd', 'require']
)
const receipt = record<Receipt>(
  {
    invocation,
    function: name,
    at: text,
    by: peer,
    term: whole,
    placement,
    strategy: text,
    objective: fc.constantFrom(...OBJECTIVES),
    asked: callPolicy,
    params: name,
    round: small,
    try: small,
    cpus: amount,
    memoryBytes: whole,
    imageBytes: whole,
    gpus: small,
    estimate: record<Estimate>(
      {
        runMs: amount,
        coldStartMs: amount,
        warmStartMs: amount,
        pullMs: amount,
        outputBytes: amount,
        samples: amount,
        runMsUpper: amount,
        runErrorRatio: amount,
        cpuMs: amount,
        memoryPeakBytes: amount,
        memoryPeakBytesUpper: amount,
        basis: fc.constantFrom(...ESTIMATE_BASES),
        cache: record<CacheNeed>({ bytes: amount, slowdown: amount, basis: fc.constantFrom(...CACHE_BASES) }),
        coldStartMsUpper: amount,
        warmStartMsUpper: amount
      },
      [
        'pullMs',
        'runMsUpper',
        'runErrorRatio',
        'cpuMs',
        'memoryPeakBytes',
        'memoryPeakBytesUpper',
        'basis',
        'cache',
        'coldStartMsUpper',
        'warmStartMsUpper'
      ]
    ),
    decision: record<Decision>(
      {
        chosen: fc.option(peer),
        expected: fc.option(
          record<NonNullable<Decision['expected']>>({
            start: fc.constantFrom('warm', 'cold'),
            queueMs: amount,
            totalMs: amount,
            usd: amount
          })
        ),
        verdicts: few(verdict),
        skipped: small,
        rejected: fc.dictionary(reason, small, { noNullPrototype: true })
      },
      ['expected']
    ),
    viewAgeMs: amount
  },
  ['gpus', 'objective', 'asked', 'params']
)
const invocationFields = {
  id: invocation,
  function: name,
  revision: small,
  gateway: peer,
  state: fc.constantFrom('queued', 'running', 'succeeded', 'failed'),
  acceptedAt: text,
  method: text,
  path: text,
  worker: peer,
  start,
  placement,
  status: small,
  error: record<NonNullable<InvocationRecord['error']>>({ code: name, message: text }),
  usage,
  totalMs: amount
} as const
const laterFields = ['worker', 'start', 'placement', 'status', 'error', 'usage', 'totalMs'] as const
const invocationRecord = record<InvocationRecord>({ ...invocationFields, caller: name, receipts: few(receipt) }, ['caller', ...laterFields])
const invocationSummary = record<InvocationSummary>(
  { ...invocationFields, caller: name, placements: small, predictedMs: fc.option(amount), hasResult: flag },
  ['caller', ...laterFields]
)
const invocationQuery = record<InvocationQuery>(
  { function: name, state: invocationFields.state, limit: fc.integer({ min: 1, max: 1_000 }), since: text },
  ['function', 'state', 'since']
)

const specFields = {
  name,
  image: name,
  contract: fc.constantFrom('stdio', 'http'),
  port: fc.nat(65_535),
  readyPath: text,
  cpus: amount,
  memoryBytes: whole,
  timeoutMs: whole,
  concurrency: small,
  gpus: fc.integer({ min: 1, max: 64 }),
  prewarm: fc.oneof(small, one('auto' as const)),
  idempotent: flag,
  env: pairs(text),
  network: fc.constantFrom('none', 'egress'),
  placement: record<PlacementPolicy>(
    {
      strategy: fc.constantFrom(...STRATEGY_NAMES),
      objective: fc.constantFrom(...OBJECTIVES),
      maxCostUsd: amount,
      require: fc.array(name, { minLength: 1, maxLength: 4 })
    },
    ['strategy', 'objective', 'maxCostUsd', 'require']
  )
} as const
const spec = record<FunctionSpec>(specFields, ['readyPath', 'placement'])
const fn = record<FunctionRecord>({ ...specFields, digest, imageBytes: whole, arch: name, revision: whole, updatedAt: text }, [
  'readyPath',
  'arch',
  'placement'
])

const agreedStrategy: fc.Arbitrary<AgreedStrategy | null> = fc.constantFrom(
  null,
  { name: 'greedy' },
  { name: 'cost' },
  { name: 'cost', objective: 'cheap' }
)

const wish: fc.Arbitrary<Command> = fc.oneof(
  record<Omit<Extract<Command, { type: 'function-put' }>, 'id'>>(
    { type: one('function-put'), spec, digest, imageBytes: whole, arch: name, ifRevision: whole, at: text },
    ['arch', 'ifRevision']
  ),
  record<Omit<Extract<Command, { type: 'function-remove' }>, 'id'>>({ type: one('function-remove'), name, ifRevision: whole, at: text }, [
    'ifRevision'
  ]),
  record<Omit<Extract<Command, { type: 'peer-drain' }>, 'id'>>({ type: one('peer-drain'), peer: name, draining: flag, at: text }),
  record<Omit<Extract<Command, { type: 'strategy-set' }>, 'id'>>({ type: one('strategy-set'), strategy: agreedStrategy, at: text }),
  taskCommand
)
const command = fc.tuple(wish, fc.option(name)).map(([kind, id]) => (id === null ? kind : Object.assign({ id }, kind)))
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  record<Extract<Outcome, { function: FunctionRecord }>>({
    type: fc.constantFrom('function-created', 'function-updated', 'function-unchanged'),
    function: fn
  }),
  record<Extract<Outcome, { type: 'function-removed' }>>({ type: one('function-removed'), name, revision: whole }),
  record<Extract<Outcome, { type: 'drain-set' }>>({ type: one('drain-set'), peer: name, draining: flag }),
  record<Extract<Outcome, { type: 'strategy-agreed' }>>({ type: one('strategy-agreed'), strategy: agreedStrategy }),
  record<Extract<Outcome, { type: 'refused' }>>({
    type: one('refused'),
    code: fc.constantFrom('revision_mismatch', 'not_found', 'limit_reached', 'conflict'),
    message: text
  }),
  taskOutcome
)

const order = record<Order>(
  {
    invocation,
    attempt,
    placement,
    term: whole,
    session: whole,
    placer: peer,
    order: whole,
    function: fn,
    head: callHead,
    deadlineMs: whole,
    body: bytes
  },
  ['body']
)
const executeUp: fc.Arbitrary<ExecuteUp> = fc.oneof(
  record<Extract<ExecuteUp, { type: 'order' }>>({ type: one('order'), order }),
  record<Extract<ExecuteUp, { type: 'attach' }>>({ type: one('attach'), invocation, round: small, session: whole, offset: whole }),
  body,
  end
)
const profile = record<PeerProfile>(
  {
    id: peer,
    name: text,
    session: whole,
    addresses: few(name),
    api: text,
    version: text,
    runtime: fc.constantFrom('docker', 'process', 'none'),
    arch: text,
    capacity: record<PeerProfile['capacity']>({ cpus: amount, memoryBytes: whole, diskBytes: whole }),
    labels: pairs(text),
    usdPerHour: amount,
    startedAt: text,
    speed: amount,
    taskStore: fc.constantFrom('log', 'postgres'),
    taskStoreId: text,
    gpuRefusal: text,
    commandVersion: small
  },
  ['speed', 'taskStore', 'taskStoreId', 'gpuRefusal', 'commandVersion']
)
const stats = record<PeerStats>(
  {
    seq: whole,
    cpusUsed: amount,
    memoryUsedBytes: whole,
    diskUsedBytes: whole,
    cpusReserved: amount,
    memoryReservedBytes: whole,
    cpusStolen: amount,
    pressure: record<Pressure>({ cpuRatio: ratio, memoryRatio: ratio, ioRatio: ratio, memoryStalledRatio: ratio }),
    cpusEvictable: amount,
    memoryEvictableBytes: whole,
    running: small,
    tasks: small,
    succeeded: whole,
    failed: whole,
    warm: few(record<WarmPool>({ function: name, idle: small, busy: small })),
    images: few(digest),
    draining: flag,
    runtimeReady: flag,
    fenced: fc.constant(true),
    snapshotFailure: text,
    term: whole,
    seenOrders: pairs(whole),
    llc: record<LlcState>(
      {
        mode: fc.constantFrom(...LLC_MODES),
        reason: name,
        bytes: whole,
        ways: small,
        expectedBytes: whole,
        usedBytes: whole,
        classes: small
      },
      ['usedBytes', 'classes']
    )
  },
  ['cpusStolen', 'pressure', 'cpusEvictable', 'memoryEvictableBytes', 'tasks', 'fenced', 'snapshotFailure', 'llc']
)
const invokeUp: fc.Arbitrary<InvokeUp> = fc.oneof(
  record<Extract<InvokeUp, { type: 'call' }>>(
    {
      type: one('call'),
      invocation,
      function: name,
      revision: whole,
      headers,
      inputBytes: whole,
      round: small,
      deadlineMs: whole,
      pinnedTo: peer,
      minIndex: whole,
      fallback: flag,
      asked: callPolicy
    },
    ['pinnedTo', 'asked']
  ),
  record<Extract<InvokeUp, { type: 'done' }>>(
    {
      type: one('done'),
      attempt,
      run,
      untypical: flag
    },
    ['run']
  ),
  record<Extract<InvokeUp, { type: 'refused' }>>({ type: one('refused'), attempt, error, stats }, ['stats'])
)
const invokeDown: fc.Arbitrary<InvokeDown> = fc.oneof(
  record<{ type: 'queued' }>({ type: one('queued') }),
  record<Extract<InvokeDown, { type: 'placed' }>>(
    { type: one('placed'), worker: peer, session: whole, attempt, term: whole, order: whole, receipt, function: fn },
    ['function']
  ),
  record<Extract<InvokeDown, { type: 'failed' }>>({ type: one('failed'), error, receipt }, ['receipt'])
)

const executeDown: fc.Arbitrary<ExecuteDown> = fc.oneof(
  record<{ type: 'accepted' }>({ type: one('accepted') }),
  record<Extract<ExecuteDown, { type: 'unknown' }>>({ type: one('unknown'), session: whole }),
  answerDown,
  record<Extract<ExecuteDown, { type: 'failed' }>>({ type: one('failed'), error, stats, run }, ['stats', 'run'])
)

const agreed = record<AgreedState>({ index: whole, hash: name })
const heartbeat = record<Heartbeat>({ cluster, profile, stats, nextWithinMs: whole, leaving: flag, sentAtMs: whole, agreed }, [
  'sentAtMs',
  'agreed'
])
const clusterDigest = record<ClusterDigest>({
  cluster,
  orchestrator: peer,
  term: whole,
  seq: whole,
  peers: few(
    record<PeerDigest>(
      { profile, stats, ageMs: amount, state: fc.constantFrom('alive', 'suspect', 'draining', 'gone'), admittedMemoryBytes: whole },
      ['admittedMemoryBytes']
    )
  )
})

const line = record<LogLine>({ at: text, peer, function: text, invocation, stream: fc.constantFrom('stdout', 'stderr'), text }, [
  'invocation'
])
const query = record<LogQuery>({ invocation, function: text, tail: fc.nat(10_000), follow: flag }, ['invocation', 'function'])
const observation = record<SharedObservation>(
  {
    origin: peer,
    seq: whole,
    at: text,
    function: name,
    digest,
    peer,
    start,
    params: name,
    inputBytes: amount,
    outputBytes: amount,
    pullMs: amount,
    startMs: amount,
    runMs: amount,
    cpuMs: amount,
    memoryPeakBytes: amount,
    llcBytes: amount,
    llcUsedBytes: amount,
    clean: flag
  },
  ['params', 'cpuMs', 'memoryPeakBytes', 'llcBytes', 'llcUsedBytes']
)
const costLedger = record<CostLedger>({
  since: text,
  rows: few(
    record<CostLedger['rows'][number]>(
      {
        function: name,
        caller: text,
        peer,
        calls: whole,
        tasks: whole,
        failed: whole,
        succeeded: whole,
        cpuMs: amount,
        gbMs: amount,
        bytesIn: amount,
        bytesOut: amount,
        usd: amount,
        estimatedUsd: amount,
        quotedUsd: amount,
        runMs: amount,
        totalMs: amount,
        predictedMs: amount,
        regretMs: amount
      },
      ['tasks', 'succeeded', 'estimatedUsd']
    )
  )
})
const functionName = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
const params = fc.stringMatching(/^[a-z=,0-9]{0,30}$/)
const admissionQuestion: fc.Arbitrary<AdmissionQuestion> = fc.oneof(
  record<Extract<AdmissionQuestion, { kind: 'ask' }>>(
    {
      kind: one('ask'),
      id: name,
      request: record<AdmissionRequest>(
        {
          name: functionName,
          params,
          inputBytes: whole,
          cpus: fc.integer({ min: 0, max: 256 }),
          memoryBytes: whole,
          diskBytes: whole,
          expectedMs: fc.nat({ max: 86_400_000 }),
          waitMaxMs: fc.nat({ max: 86_400_000 }),
          on: name
        },
        ['params', 'inputBytes', 'cpus', 'memoryBytes', 'diskBytes', 'expectedMs', 'waitMaxMs', 'on']
      ),
      approved: record<NonNullable<Extract<AdmissionQuestion, { kind: 'ask' }>['approved']>>({ peer, elapsedMs: amount })
    },
    ['approved']
  ),
  record<Extract<AdmissionQuestion, { kind: 'read' }>>({ kind: one('read'), id: name }),
  record<Extract<AdmissionQuestion, { kind: 'complete' }>>({
    kind: one('complete'),
    id: name,
    outcome: record<AdmissionOutcome>(
      { runMs: fc.nat({ max: 86_400_000 }), cpuMs: amount, memoryPeakBytes: whole, outputBytes: whole, failed: flag },
      ['runMs', 'cpuMs', 'memoryPeakBytes', 'outputBytes', 'failed']
    )
  }),
  record<Extract<AdmissionQuestion, { kind: 'list' }>>({ kind: one('list') })
)
const admission = record<AdmissionRecord>(
  {
    id: name,
    name,
    params,
    inputBytes: amount,
    state: fc.constantFrom('approved' as const, 'queued' as const, 'completed' as const, 'expired' as const),
    peer: fc.option(peer),
    predicted: record<AdmissionRecord['predicted']>({ cpus: amount, memoryBytes: amount, diskBytes: amount }),
    predictedMs: amount,
    samples: whole,
    waitMs: fc.option(amount),
    why: text,
    ahead: whole,
    at: text,
    leaseMs: amount
  },
  ['params', 'why']
)
/** A step has classes of duration where it has calls. */
const historyStep = fc.record({
  calls: fc.nat({ max: 9 }),
  failed: fc.nat({ max: 9 }),
  cold: fc.nat({ max: 9 }),
  classes: fc.array(fc.nat({ max: 9 }), { minLength: LATENCY_CLASSES_MS.length + 1, maxLength: LATENCY_CLASSES_MS.length + 1 })
})
const functionHistory: fc.Arbitrary<FunctionHistory> = fc.tuple(name, few(historyStep)).map(([name, steps]) => ({
  name,
  calls: steps.map(({ calls }) => calls),
  failed: steps.map(({ failed }) => failed),
  cold: steps.map(({ cold }) => cold),
  latency: steps.map(({ calls, classes }) => (calls === 0 ? null : classes))
}))
const controlRequest: fc.Arbitrary<ControlRequest> = fc.oneof(
  record<Extract<ControlRequest, { type: 'join' }>>({ type: one('join'), profile, cluster }, ['cluster']),
  record<Extract<ControlRequest, { type: 'leave' }>>({ type: one('leave'), peer, force: one(true) }, ['force']),
  record<Extract<ControlRequest, { type: 'propose' }>>({ type: one('propose'), command }),
  record<Extract<ControlRequest, { type: 'invocation' }>>({ type: fc.constantFrom('invocation' as const), invocation }),
  record<Extract<ControlRequest, { type: 'logs' }>>({ type: one('logs'), query }),
  record<Extract<ControlRequest, { type: 'cancel' }>>({ type: one('cancel'), invocation }),
  record<Extract<ControlRequest, { type: 'cut' }>>({ type: one('cut'), invocation, run }),
  record<Extract<ControlRequest, { type: 'reach' }>>({ type: one('reach'), peer }, ['peer']),
  record<Extract<ControlRequest, { type: 'read-index' }>>({ type: one('read-index') }),
  record<Extract<ControlRequest, { type: 'observations' }>>({ type: one('observations'), known: pairs(whole) }),
  record<Extract<ControlRequest, { type: 'costs' }>>({ type: one('costs') }),
  record<Extract<ControlRequest, { type: 'admission' }>>({ type: one('admission'), question: admissionQuestion }),
  record<Extract<ControlRequest, { type: 'history' }>>({ type: one('history'), sinceMs: fc.nat({ max: 86_400_000 }) }),
  record<Extract<ControlRequest, { type: 'invocations' }>>({ type: one('invocations'), query: invocationQuery })
)
const controlAnswer: fc.Arbitrary<ControlAnswer> = fc.oneof(
  record<Extract<ControlAnswer, { type: 'joined' }>>({
    type: one('joined'),
    cluster,
    orchestrator: fc.option(peer),
    members: few(record<{ id: PeerId; addresses: readonly string[] }>({ id: peer, addresses: few(name) }))
  }),
  record<Extract<ControlAnswer, { type: 'left' }>>({ type: one('left'), wasMember: fc.boolean() }, ['wasMember']),
  record<Extract<ControlAnswer, { type: 'outcome' }>>({ type: one('outcome'), outcome, index: whole, term: whole }),
  record<Extract<ControlAnswer, { type: 'invocation' }>>({ type: one('invocation'), record: fc.option(invocationRecord) }),
  record<Extract<ControlAnswer, { type: 'log' }>>({ type: one('log'), line }),
  record<Extract<ControlAnswer, { type: 'noted' }>>({ type: one('noted') }),
  record<Extract<ControlAnswer, { type: 'cancelled' }>>({ type: one('cancelled'), found: flag }),
  record<Extract<ControlAnswer, { type: 'reached' }>>({ type: one('reached'), reached: flag }),
  record<Extract<ControlAnswer, { type: 'read-index' }>>({ type: one('read-index'), index: whole }),
  record<Extract<ControlAnswer, { type: 'observations' }>>({ type: one('observations'), observations: few(observation), more: flag }),
  record<Extract<ControlAnswer, { type: 'costs' }>>({ type: one('costs'), ledger: costLedger }),
  record<Extract<ControlAnswer, { type: 'admissions' }>>({ type: one('admissions'), records: few(admission) }),
  fc
    .tuple(fc.constantFrom(5_000, 60_000), functionHistory)
    .map(([stepMs, history]): ControlAnswer => ({ type: 'function-history', stepMs, history })),
  record<Extract<ControlAnswer, { type: 'summary' }>>({ type: one('summary'), invocation: invocationSummary }),
  record<{ type: 'end' }>({ type: one('end') }),
  record<Extract<ControlAnswer, { type: 'failed' }>>({ type: one('failed'), error })
)

const configuration = record<Configuration>({ voters: few(peer), learners: few(peer) })
const entry: fc.Arbitrary<Entry> = fc.oneof(
  record<Extract<Entry, { kind: 'noop' }>>({ index: whole, term: whole, kind: one('noop') }),
  record<Extract<Entry, { kind: 'configuration' }>>({ index: whole, term: whole, kind: one('configuration'), configuration }),
  record<Extract<Entry, { kind: 'command' }>>({ index: whole, term: whole, kind: one('command'), command: bytes })
)
type Of<Type extends ConsensusMessage['type']> = Omit<Extract<ConsensusMessage, { type: Type }>, 'cluster'>
const unnamed: fc.Arbitrary<ConsensusMessage> = fc.oneof(
  record<Of<'vote-request'>>({
    type: one('vote-request'),
    term: whole,
    pre: flag,
    lastIndex: whole,
    lastTerm: whole,
    transfer: flag
  }),
  record<Of<'vote-response'>>({ type: one('vote-response'), term: whole, pre: flag, granted: flag }),
  record<Of<'append-request'>>({
    type: one('append-request'),
    term: whole,
    prevIndex: whole,
    prevTerm: whole,
    entries: few(entry),
    commit: whole,
    round: whole
  }),
  record<Of<'append-response'>>(
    {
      type: one('append-response'),
      term: whole,
      ok: flag,
      match: whole,
      round: whole,
      contradicted: record<EntryId>({ index: whole, term: whole })
    },
    ['contradicted']
  ),
  record<Of<'snapshot-request'>>({
    type: one('snapshot-request'),
    term: whole,
    snapshot: record<Of<'snapshot-request'>['snapshot']>({ index: whole, term: whole, configuration }),
    bytes: fc.nat({ max: SNAPSHOT_BYTES_MAX }),
    checksum: unsigned32,
    offset: whole,
    data: bytes,
    dataChecksum: unsigned32,
    round: whole
  }),
  record<Of<'snapshot-response'>>({ type: one('snapshot-response'), term: whole, index: whole, received: whole, round: whole }),
  record<Of<'timeout-now'>>({ type: one('timeout-now'), term: whole })
)
/** Every kind of message may name its cluster. */
const message = fc
  .tuple(unnamed, fc.option(cluster))
  .map(([kind, origin]) => (origin === null ? kind : Object.assign({ cluster: origin }, kind)))
const consensusFrame: fc.Arbitrary<ConsensusFrame> = fc.oneof(
  record<Extract<ConsensusFrame, { type: 'consensus' }>>({ type: one('consensus'), message }),
  record<Extract<ConsensusFrame, { type: 'report' }>>({ type: one('report'), heartbeat })
)

const exchange = fc.integer({ min: 1, max: 0xffff_ffff })
type Frame<Type extends LaneFrame['type']> = Extract<LaneFrame, { type: Type }>
const laneFrame: fc.Arbitrary<LaneFrame> = fc.oneof(
  record<Frame<'open'>>({ exchange, type: one('open') }),
  record<Frame<'message'>>({ exchange, type: one('message'), bytes }),
  record<Frame<'credit'>>({ exchange, type: one('credit'), bytes: fc.integer({ min: 1, max: 0xffff_ffff }) }),
  record<Frame<'end'>>({ exchange, type: one('end') }),
  record<Frame<'abort'>>({
    exchange,
    type: one('abort'),
    error: record<Frame<'abort'>['error']>({ code: name, message: text, hint: text, retryable: flag, details: json }, ['hint'])
  })
)

/** Arbitrary values by codec. */
export const VALUES = {
  command,
  heartbeat,
  digest: clusterDigest,
  invokeUp,
  invokeDown,
  executeUp,
  executeDown,
  controlRequest,
  controlAnswer,
  consensus: consensusFrame,
  imageUp,
  imageDown,
  tunnelUp,
  tunnelDown,
  blobUp,
  blobDown,
  taskAsk,
  taskAnswer,
  lane: laneFrame
} as const
