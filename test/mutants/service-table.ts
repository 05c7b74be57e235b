import type { Edit, Mutant } from './mutant.ts'

function edit(file: string, find: string, replace: string): Edit {
  return { file: `src/${file}`, find, replace }
}

const CHANGE = 'core/tasks/change-task.ts'
const APPLY = 'core/tasks/apply-changes.ts'
const WORKER = 'daemon/tasks/task-worker.ts'
const RUNNER = 'daemon/tasks/attempt-runner.ts'

/** About ten times the first seed that found one, which was 1, and 23. What only a directed test finds has no budget. */
const SOON = 10
const LATE = 230

/** Bugs of services: of what makes a task one, and of the way to its published port. */
export const SERVICE_MUTANTS: readonly Mutant[] = [
  {
    name: 'gives a service up that has failed often',
    risk: 'a service is not kept running',
    edits: [edit(CHANGE, 'const isLast = task.spec.service === undefined && (', 'const isLast = (')],
    seedsMax: 0
  },
  {
    name: 'takes a service whose program has ended for done',
    risk: 'a service is not started again',
    edits: [
      edit(
        RUNNER,
        "end: { type: 'failed', failure: failureOf(error), counts: !NOT_BEGUN.has(error.code), final: false } }",
        "end: { type: 'succeeded', result: { exitCode: 0, output: { inline: '', bytes: 0 }, usage: { queueMs: 0, pullMs: 0, startMs: 0, runMs: 0, bytesIn: 0, bytesOut: 0 } } } } as AttemptReport"
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'holds old failures against a service that has run for long',
    risk: 'a service that fails once a day waits a minute each time, in the end',
    edits: [edit(CHANGE, '(hasStayedUp(task, change.at) ? 0 : task.failures)', 'task.failures')],
    seedsMax: 0
  },
  {
    name: 'keeps services on a worker that drains',
    risk: 'a machine that is to be switched off never gets empty',
    edits: [edit(WORKER, '    if (this.#components.draining()) void this.handBack()\n', '')],
    seedsMax: 0
  },
  {
    name: 'starts a service elsewhere while it is being stopped',
    risk: 'two programs hold one port, or one set of files',
    edits: [
      edit(
        WORKER,
        '    await Promise.all(services.map(async ({ ended }) => ended))\n',
        "    for (const { order } of services) this.#reports.set(keyOf({ task: order.task.id, attempt: order.attempt }), { task: order.task.id, attempt: order.attempt, end: { type: 'failed', failure: { code: 'peer_draining', message: 'it goes elsewhere' }, counts: false, final: false } })\n"
      )
    ],
    seedsMax: LATE
  },
  {
    name: 'agrees on no change of health',
    risk: 'whoever waits for a service waits for ever, and its port leads nowhere',
    edits: [edit('daemon/tasks/task-changes.ts', 'return isNews ? ', 'return isNews && false ? ')],
    seedsMax: SOON
  },
  {
    name: 'publishes a port twice',
    risk: 'connections go to one of two services, by chance',
    edits: [edit(APPLY, 'if (holder !== undefined) {', 'if (holder !== undefined && false) {')],
    seedsMax: 0
  },
  {
    name: 'keeps the port of a service that is over',
    risk: 'no other service can ever have it',
    edits: [edit(APPLY, 'if (isOver(task)) this.#ports.delete(publish)', 'if (isOver(task)) return')],
    seedsMax: 0
  },
  {
    name: 'connects to where a service was first',
    risk: 'nobody reaches a service that has moved',
    edits: [
      edit(
        'daemon/services/ingress.ts',
        '} else if (known?.id !== task.id || isNewer(task, known)) this',
        '} else if (known?.id !== task.id) this'
      )
    ],
    seedsMax: 0
  },
  {
    name: 'ends connections that it cannot pass on',
    risk: 'a client takes what is broken off for all that there is',
    edits: [
      edit('daemon/services/ingress.ts', '      connection.destroy()\n      log.debug', '      await connection.end()\n      log.debug')
    ],
    seedsMax: 0
  },
  {
    name: 'does not try a taken port again',
    risk: 'a service is never reached through one of the peers',
    edits: [
      edit(
        'daemon/services/ingress.ts',
        '(known !== undefined && (known.listener !== undefined || known.reason === undefined))',
        'known !== undefined'
      )
    ],
    seedsMax: 0
  }
]
