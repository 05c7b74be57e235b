import { timeOfDay } from '../../text.ts'
import { useAsked, useLive } from '../hooks.ts'
import { Empty, Loading } from './empty.tsx'
import { Problem } from './problem.tsx'

const LINES_SHOWN = 200
const ASK_EVERY_MS = 2_000

/** What a call or a task has written to its log. */
export function CallLog({ id, isTask = false, isOver }: { id: string; isTask?: boolean; isOver: boolean }) {
  const live = useLive()
  const { value: lines, error } = useAsked(
    `${id}/${isOver}`,
    ({ signal }) => live.client.logOf(id, { isTask, tail: LINES_SHOWN, signal }),
    {
      everyMs: ASK_EVERY_MS,
      isFinal: () => isOver
    }
  )
  return (
    <section class="card">
      <h2>Log</h2>
      {error === undefined ? null : <Problem error={error} />}
      {lines === undefined ? (
        error === undefined ? (
          <Loading what="the log" />
        ) : null
      ) : lines.length === 0 ? (
        <Empty title="It has written nothing to its log." />
      ) : (
        <pre class="log" tabIndex={0}>
          {lines.map(({ at, stream, text }, i) => (
            <span key={i} class={stream}>
              <span class="dim">{timeOfDay(at).slice(0, 12)}</span> {text}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </section>
  )
}
