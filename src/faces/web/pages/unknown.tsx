import { Empty } from '../parts/empty.tsx'

/** An address that leads nowhere. */
export function Unknown() {
  return (
    <>
      <h1>Not here</h1>
      <div class="card">
        <Empty title="There is no page at this address.">
          <a href="#/">Go to the overview</a>
        </Empty>
      </div>
    </>
  )
}
