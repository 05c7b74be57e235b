import { Gauge, type Registry } from 'prom-client'
import type { TaskService } from '../../model/task-service.ts'

/** Tasks by state, read when they are asked for. The same on every peer of a cluster: add them up for one of its peers only. */
export function registerTaskMetrics(tasks: TaskService, registry: Registry): void {
  const metric = new Gauge({
    name: 'cares_tasks',
    help: 'Durable tasks that are known, by state',
    labelNames: ['state'],
    registers: [],
    async collect() {
      for (const [state, count] of Object.entries(await tasks.counts())) this.set({ state }, count)
    }
  })
  registry.registerMetric(metric)
}
