import { EMPTY_FIELDS } from '../function-form.ts'
import { FunctionForm } from '../parts/function-form.tsx'
import { hrefOf } from '../route.ts'

/** A new function. */
export function Upload() {
  return (
    <>
      <div class="head">
        <h1>Upload function</h1>
      </div>
      <section class="card">
        <FunctionForm
          initial={EMPTY_FIELDS}
          before={undefined}
          onDone={name => {
            location.hash = hrefOf({ page: 'function', name })
          }}
        />
      </section>
    </>
  )
}
