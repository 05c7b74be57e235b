import highs from 'highs'
import type { MachineSpec } from '../../src/simulate/replay/fleet.ts'
import type { Workload } from '../../src/simulate/workload/workload.ts'

/**
 * The least makespan of tasks that are all there at once, in milliseconds, by linear programming: tasks may be split over machines at will,
 * and no machine may be asked for more of any resource than it has in that time. No schedule of whole tasks is shorter.
 */
export async function lpBoundMs({ functions, functionOf, runMs }: Workload, fleet: readonly MachineSpec[]): Promise<number> {
  // Its types take it for a module with a default export; to Node it is that export itself.
  const solver = await (highs as unknown as typeof highs.default)()
  const rows: string[] = []
  const tasks = [...runMs].map((ms, task) => {
    const fn = functions[functionOf[task] ?? 0]
    if (fn === undefined) throw new RangeError(`task ${task} has no function`)
    return { ms, fn, machines: [...fleet.keys()].filter(machine => (fleet[machine]?.gpus ?? 0) >= fn.gpus) }
  })
  for (const [task, { machines }] of tasks.entries())
    rows.push(` t${task}: ${machines.map(machine => `x${task}_${machine}`).join(' + ')} = 1`)
  for (const [machine, { cpus, memoryBytes, gpus, speed }] of fleet.entries()) {
    const capacities = { cpus, memoryGib: memoryBytes / 2 ** 30, gpus }
    for (const [resource, capacity] of Object.entries(capacities)) {
      const uses = tasks.flatMap(({ ms, fn, machines }, task) => {
        const needs = { cpus: fn.cpus, memoryGib: fn.memoryBytes / 2 ** 30, gpus: fn.gpus }
        const use = ((ms / 1_000) * needs[resource as keyof typeof needs]) / speed
        return use > 0 && machines.includes(machine) ? [`${use} x${task}_${machine}`] : []
      })
      if (uses.length > 0) rows.push(` m${machine}_${resource}: ${uses.join(' + ')} - ${capacity} makespan <= 0`)
    }
  }
  const { Status, ObjectiveValue } = solver.solve(`Minimize\n obj: makespan\nSubject To\n${rows.join('\n')}\nEnd`)
  if (Status !== 'Optimal') throw new Error(`the linear program is ${Status}`)
  return ObjectiveValue * 1_000
}
