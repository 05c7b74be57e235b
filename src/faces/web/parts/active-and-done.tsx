import type { ComponentChildren } from 'preact'
import { Empty } from './empty.tsx'

/** Work in two lists: what waits or runs, and what has ended. */
export function ActiveAndDone<Item>({
  items,
  isActive,
  table,
  labels,
  idle,
  none
}: {
  items: readonly Item[]
  isActive: (item: Item) => boolean
  table: (items: readonly Item[], label: string) => ComponentChildren
  labels: { readonly active: string; readonly done: string }
  /** Said where nothing is going on. */
  idle: string
  /** Shown where nothing has ended. */
  none: ComponentChildren
}) {
  const active = items.filter(isActive)
  const done = items.filter(item => !isActive(item))
  return (
    <>
      <section class="card">
        <h2>
          Queued and running <span class="dim">{active.length}</span>
        </h2>
        {active.length === 0 ? <Empty title={idle} /> : table(active, labels.active)}
      </section>
      <section class="card">
        <h2>
          Done <span class="dim">{done.length}</span>
        </h2>
        {done.length === 0 ? none : table(done, labels.done)}
      </section>
    </>
  )
}
