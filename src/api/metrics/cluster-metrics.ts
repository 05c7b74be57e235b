import { PEER_STATES } from '../../model/peer.ts'
import type { PeerService } from '../../model/service.ts'
import { one, type Series } from './series.ts'

/** How the cluster stands, as this peer sees it. */
export function registerClusterMetrics(service: PeerService, { gauge, counter }: Series): void {
  gauge('cares_term', 'Term that this peer knows', [], () => one(service.cluster().term))
  gauge('cares_log_applied_index', 'Log position that this peer has applied', [], () => one(service.cluster().appliedIndex))
  gauge('cares_orchestrator_known', 'Whether this peer knows an orchestrator: 1 or 0', [], () =>
    one(service.cluster().orchestrator ? 1 : 0)
  )
  gauge('cares_is_orchestrator', 'Whether this peer is the orchestrator: 1 or 0', [], () =>
    one(service.cluster().orchestrator?.id === service.profile.id ? 1 : 0)
  )
  gauge('cares_fenced', 'Whether this peer takes no part in what is agreed any more: 1 or 0', [], () =>
    one(service.cluster().fenced === null ? 0 : 1)
  )
  gauge('cares_peers', 'Peers of the cluster by state, as this peer sees them', ['state'], () => {
    const peers = service.peers()
    return PEER_STATES.map(state => [{ state }, peers.filter(peer => peer.state === state).length])
  })
  gauge('cares_alerts', 'Alerts that this peer sees raised', ['rule', 'severity'], () => {
    const { raised, rules } = service.alerts()
    // A rule without an alert is a 0, not a gap: what compares it with a number must find one.
    return rules.map(({ name, severity }) => [{ rule: name, severity }, raised.filter(({ rule }) => rule === name).length])
  })
  counter('cares_alert_deliveries_total', 'Alerts that were posted to the webhook, or given up', ['outcome'], () => {
    const { webhook } = service.alerts()
    return webhook === null
      ? []
      : [
          [{ outcome: 'delivered' }, webhook.delivered],
          [{ outcome: 'failed' }, webhook.failed]
        ]
  })
}
