import { degradations } from '../../view-model.ts'
import { useLiveState, useNowMs } from '../hooks.ts'
import { secondsText } from '../live/link.ts'

/** What is wrong, on every page, for as long as it is: first with the peer that serves it, then with the cluster. */
export function Banner() {
  const { link, dataAtMs, clockOffsetMs, cluster, peers } = useLiveState()
  const nowMs = useNowMs() - clockOffsetMs
  const self = cluster?.self
  if (link.state === 'lost') {
    const others = (peers ?? []).filter(({ id, state }) => id !== self?.id && state === 'alive').slice(0, OTHERS_MAX)
    return (
      <div class="banner bad" role="alert">
        <p>
          <strong>{self?.name ?? 'This peer'} does not answer.</strong>{' '}
          {dataAtMs === null ? '' : `What you see is ${secondsText(Math.max(0, nowMs - dataAtMs))} old. `}
          The page asks again each second and goes on when it is back.
        </p>
        {others.length === 0 ? null : (
          <p>
            The cluster may be well without it; other peers serve this page, too:{' '}
            {others.map(({ id, name, api }) => (
              <a key={id} href={`http://${api}/`}>
                {name}
              </a>
            ))}
          </p>
        )}
      </div>
    )
  }
  if (link.state !== 'answered' || cluster === null || peers === null) return null
  const problems = degradations(cluster, peers)
  if (problems.length === 0) return null
  return (
    <div class="banner warn" role="alert">
      {problems.map(problem => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  )
}

/** Enough to find one that answers. */
const OTHERS_MAX = 5
