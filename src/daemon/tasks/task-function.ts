import type { FunctionRecord } from '../../model/function.ts'
import type { InvocationId } from '../../model/ids.ts'
import { fencingToken, type TaskId, type TaskRecord } from '../../model/task.ts'

/** Tasks are no revision of any function: no warm container is ever taken for one. */
const NO_REVISION = 0

/**
 * A task as the runtime takes it: a program that reads its input, writes its output and exits; or, of a service that is reached, one that serves.
 * `attempt`: whose fencing token it carries.
 */
export function taskFunction({ id, spec }: TaskRecord, attempt: number): FunctionRecord {
  const { name, image, digest, imageBytes, arch, cpus, memoryBytes, timeoutMs, network, placement, service } = spec
  const token = fencingToken(attempt)
  return {
    name,
    image,
    digest,
    imageBytes,
    cpus,
    memoryBytes,
    timeoutMs,
    network,
    ...(arch === undefined ? {} : { arch }),
    ...(placement === undefined ? {} : { placement }),
    contract: service?.port === undefined ? 'stdio' : 'http',
    port: service?.port ?? 0,
    ...(service?.health === undefined ? {} : { readyPath: service.health }),
    concurrency: 1,
    prewarm: 0,
    idempotent: false,
    env: { ...spec.env, CARES_TASK: id, CARES_ATTEMPT: String(attempt), CARES_FENCING_TOKEN: token },
    revision: NO_REVISION,
    updatedAt: ''
  }
}

/** The same for a placement: tasks of one image are expected to be alike, whatever they are called. */
export function placedFunction(task: TaskRecord): FunctionRecord {
  return { ...taskFunction(task, task.attempt), name: `task/${task.spec.digest}`, env: {}, contract: 'stdio', port: 0 }
}

/** The id by which an attempt's container and log are known on its worker. */
export function executionId(id: TaskId): InvocationId {
  return id as string as InvocationId
}
