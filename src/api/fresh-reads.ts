import { REST_PATHS, STALE_HEADER } from '../model/rest-paths.ts'
import { callerGone } from './caller.ts'
import type { ApiContext, App } from './context.ts'

/** What of the API shows, or begins by looking up, what the cluster has agreed on. */
const AGREED: ReadonlySet<string> = new Set([
  REST_PATHS.functions,
  REST_PATHS.function,
  REST_PATHS.strategy,
  REST_PATHS.tasks,
  REST_PATHS.task,
  REST_PATHS.taskResult,
  REST_PATHS.taskLogs,
  REST_PATHS.taskExplain
])
/** Questions, and what is done to something that is there. What is made or replaced is agreed on anyway. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE'])

/**
 * Lets who asks through one peer see what was acknowledged through another: the orchestrator is asked how far the log goes, and confirms that by a majority.
 * Where nobody can tell, the answer is what this peer knows, and says so. Who allows an old answer by `cache-control: max-age=SECONDS`, as pages do that ask
 * again and again, gets one without all that.
 */
export function freshReads(app: App, { service }: Pick<ApiContext, 'service'>): void {
  app.addHook('preHandler', async ({ method, headers, routeOptions }, reply) => {
    if (!AGREED.has(routeOptions.url ?? '') || !METHODS.has(method) || /^max-age=0*[1-9]/.test(headers['cache-control'] ?? '')) return
    const { staleMs } = await service.catchUp({ signal: callerGone(reply.raw).signal })
    if (staleMs > 0) void reply.header(STALE_HEADER, staleMs)
  })
}
