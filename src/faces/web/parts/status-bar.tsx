import { useLiveState, useNowMs } from '../hooks.ts'
import { linkStatus } from '../live/link.ts'
import { PeerLink } from './links.tsx'

/** How old what the page shows is, and how the cluster stands, on every page. */
export function StatusBar() {
  const { link, streaming, dataAtMs, clockOffsetMs, cluster } = useLiveState()
  const nowMs = useNowMs() - clockOffsetMs
  const { tone, text } = linkStatus(link, { streaming, dataAtMs, nowMs })
  return (
    <div class="status-bar">
      <p class={`pill ${tone}`} role="status">
        <span class="dot" aria-hidden="true" />
        {text}
      </p>
      {cluster === null ? null : (
        <dl>
          <div>
            <dt>Orchestrator</dt>
            <dd>{cluster.orchestrator === null ? <span class="bad-text">none</span> : <PeerLink peer={cluster.orchestrator} />}</dd>
          </div>
          <div>
            <dt>Term</dt>
            <dd>{cluster.term}</dd>
          </div>
          <div class="only-wide">
            <dt>Voters</dt>
            <dd>
              {cluster.voters.length}, {cluster.faultTolerance === 0 ? 'none may fail' : `${cluster.faultTolerance} may fail`}
            </dd>
          </div>
          <div class="only-wide">
            <dt>Agreed</dt>
            <dd title="Entries of the log that are committed">{cluster.commitIndex}</dd>
          </div>
        </dl>
      )}
    </div>
  )
}
