import { useAsked, useLive } from '../hooks.ts'
import { readBody } from '../read-body.ts'
import { BodyView } from './body-view.tsx'
import { Loading } from './empty.tsx'
import { Problem } from './problem.tsx'

/** What a task that has succeeded wrote to stdout. */
export function TaskOutput({ id, name }: { id: string; name: string }) {
  const live = useLive()
  const { value: body, error } = useAsked(`output of ${id}`, async options => await readBody(await live.client.taskResult(id, options)), {
    everyMs: 2_000,
    isFinal: () => true
  })
  return (
    <section class="card">
      <h2>Output</h2>
      {error === undefined ? null : <Problem error={error} />}
      {body === undefined ? (
        error === undefined ? (
          <Loading what="the output" />
        ) : null
      ) : (
        <div class="answer">
          <BodyView body={body} empty="It has written nothing to stdout." name={name} />
        </div>
      )}
    </section>
  )
}
