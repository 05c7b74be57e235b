import type { Edit, Mutant } from './mutant.ts'

const DAEMON = 'src/daemon/'

function edit(file: string, find: string, replace: string): Edit {
  return { file: DAEMON + file, find, replace }
}

/** Enough for what shows itself in most runs, in some, and in a few. A run takes half a second. */
const SOON = 10
const LATER = 60
const LATE = 200

/** Bugs of the way of a call, most of which the notes on it warn of; the first ones were really there. */
export const CALL_MUTANTS: readonly Mutant[] = [
  {
    name: 'orders in the term of the newest vote',
    risk: 'a deposed orchestrator gives an order that looks like one of its successor',
    edits: [edit('daemon.ts', 'term: () => consensus.role.term, self }', 'term, self }')],
    seedsMax: LATER
  },
  {
    name: 'takes a worker that it has lost for one that has refused',
    risk: 'what runs there is placed again, and runs twice',
    edits: [
      edit(
        'calls/worker-exchanges.ts',
        "return { type: 'lost', error }\n    } finally",
        "return { type: 'refused', error: toRemoteError(error, { started: false }) }\n    } finally"
      )
    ],
    seedsMax: LATER
  },
  {
    name: 'takes every failure for a refusal',
    risk: 'what has run and failed runs again',
    edits: [edit('calls/worker-exchanges.ts', 'if (!message.error.started) return', 'return')],
    seedsMax: SOON
  },
  {
    name: 'takes a worker out of reach for one that has not started',
    risk: 'two workers run one call',
    edits: [edit('calls/gateway-call.ts', "case 'lost':\n", "case 'lost':\n        return this.#again(end.error)\n")],
    seedsMax: LATER
  },
  {
    name: 'ends calls on a worker that others hear',
    risk: 'one bad link between two peers costs calls that go on well',
    edits: [edit('calls/worker-watch.ts', '!words.includes(true) && (', '(')],
    seedsMax: 0
  },
  {
    name: 'blames workers for having stood still itself',
    risk: 'a gateway that was frozen gives up all of its calls when it thaws',
    edits: [edit('calls/worker-watch.ts', 'Math.min(nowMs - this.#lookedAtMs, LOOK_MS)', 'nowMs - this.#lookedAtMs')],
    seedsMax: 0
  },
  {
    name: 'does not watch the workers of its calls',
    risk: 'a call on a frozen worker waits until its time is over',
    edits: [edit('calls/running-calls.ts', '    if (placed.worker !== transport.self) this.#watch.wake()\n', '')],
    seedsMax: 0
  },
  {
    name: 'watches no longer than until nobody is doubted',
    risk: 'the same, for each call that had just begun',
    edits: [
      edit('calls/worker-watch.ts', 'if (this.#watched.size === 0 && isIdle()) this.stop()', 'if (this.#watched.size === 0) this.stop()')
    ],
    seedsMax: 0
  },
  {
    name: 'ends calls that may not be repeated at the first doubt',
    risk: 'a pause of a second costs answers that were on their way',
    edits: [
      edit('calls/gateway-call.ts', 'if (isConfirmed || (this.#ordered.idempotent && this.#canStartOver))', 'if (this.#canStartOver)')
    ],
    seedsMax: 0
  },
  {
    name: 'waits for others before it moves a call that may be repeated',
    risk: 'a link between two peers that carries nothing holds such calls up',
    edits: [edit('calls/gateway-call.ts', 'if (isConfirmed || (this.#ordered.idempotent && this.#canStartOver))', 'if (isConfirmed)')],
    seedsMax: 0
  },
  {
    name: 'gives a silent worker new calls',
    risk: 'each of them costs another silence',
    edits: [edit('calls/worker-watch.ts', '    silentWorkers.trip(worker)\n', '')],
    seedsMax: 0
  },
  {
    name: 'keeps new calls from a worker that is heard again',
    risk: 'a pause takes a worker away for longer than it lasted',
    edits: [edit('calls/worker-watch.ts', '    silentWorkers.close(worker)\n', '')],
    seedsMax: 0
  },
  {
    name: 'does not withdraw what it says it does not know',
    risk: 'an order that was on its way starts after the gateway has placed the call again',
    edits: [edit('calls/work.ts', '    this.#ids.withdraw(attach.invocation, attach.round)\n', '')],
    seedsMax: SOON
  },
  {
    name: 'keeps room for a gateway that is lost',
    risk: 'every gateway that dies makes the cluster smaller',
    edits: [
      edit(
        'calls/orchestrate.ts',
        'await outcomeOf(channel, placed)',
        'await outcomeOf(channel, placed).catch(() => new Promise<never>(() => {}))'
      )
    ],
    seedsMax: 0
  },
  {
    name: 'starts an order twice',
    risk: 'a repeated order is a second execution',
    edits: [edit('calls/work.ts', 'if (known !== undefined) {', 'if (known !== undefined && order.attempt.round < 0) {')],
    seedsMax: 0
  },
  {
    name: 'obeys orders for another session',
    risk: 'a worker runs what its earlier life was asked about',
    edits: [edit('calls/work.ts', 'if (order.session !== this.#init.session) {', 'if (order.session < 0) {')],
    seedsMax: LATER
  },
  {
    name: 'obeys orders of an older term',
    risk: 'a deposed orchestrator goes on placing',
    edits: [edit('calls/work.ts', "order.placement === 'orchestrator' && order.term < term()", 'order.term < 0')],
    seedsMax: LATE
  },
  {
    name: 'believes a later session that does not know',
    risk: 'the call ran in the session before, and runs again',
    edits: [edit('calls/gateway-call.ts', 'if (end.session !== session)', 'if (end.session < 0)')],
    seedsMax: LATE
  },
  {
    name: 'repeats whatever may have started',
    risk: 'a function that may run once only runs twice',
    edits: [edit('calls/gateway-call.ts', 'if (fn.idempotent && this.#canStartOver)', 'if (this.#canStartOver)')],
    seedsMax: SOON
  },
  {
    name: 'numbers every round alike',
    risk: 'what was withdrawn for one round is refused in the next, or runs in both',
    edits: [edit('calls/gateway-call.ts', 'this.#toPlace(round, orchestrator === null)', 'this.#toPlace(1, orchestrator === null)')],
    seedsMax: SOON
  },
  {
    name: 'asks for an answer from its start again',
    risk: 'the client gets some bytes twice',
    edits: [edit('calls/worker-exchanges.ts', 'offset: this.#offset }', 'offset: 0 }')],
    seedsMax: LATER
  },
  {
    name: 'places by itself though the orchestrator is there',
    risk: 'nobody knows of all the work',
    edits: [edit('calls/gateway-call.ts', 'round === ROUNDS_MAX ? null', 'round >= 1 ? null')],
    seedsMax: SOON
  },
  {
    name: 'does not end a call at its deadline',
    risk: 'a client waits for ever',
    edits: [edit('calls/invoke.ts', 'DEADLINE_GRACE_MS = 500', 'DEADLINE_GRACE_MS = 500_000')],
    seedsMax: LATER
  },
  {
    name: 'keeps what it has reserved',
    risk: 'every call makes the cluster smaller',
    edits: [edit('calls/orchestrate.ts', '      reservation.release()\n', '')],
    seedsMax: 0
  },
  {
    name: 'acknowledges what was overwritten',
    risk: 'an upload that was acknowledged is not there',
    edits: [
      edit('agreement/proposals.ts', 'if (proposal.term === committed.term) proposal', 'if (proposal.term <= committed.term) proposal')
    ],
    seedsMax: 0
  }
]
