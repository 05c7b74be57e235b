import type { PlacementItem, VerdictItem } from '../../../model/rest-invocations.ts'
import { formatBytes, formatDurationMs, formatUsd } from '../../../model/units.ts'
import { remarkLines, scoreOf, scoreText, verdictText } from '../../explain-view.ts'
import { policyText } from '../../policy-text.ts'
import { timeOfDay } from '../../text.ts'
import { costSegments, placementScaleMs } from '../cost-bars.ts'
import { bytesText } from '../words.ts'
import { CostBar, CostLegend } from './cost-bar.tsx'
import { PeerLink } from './links.tsx'

/** Why a call or a task went where it went: every peer that was looked at, with the numbers that decided. */
export function Placement({ placement, turn, of }: { placement: PlacementItem; turn: number; of: number }) {
  const { verdicts, needs, skipped, objective, asked } = placement
  const scale = placementScaleMs(placement)
  const chosenOne = verdicts.find(({ chosen }) => chosen)
  const isPriced = verdicts.some(({ terms }) => (terms?.usd ?? 0) > 0)
  const isScored = verdicts.some(({ score }) => score !== undefined)
  const scoreMax = isScored ? Math.max(0, ...verdicts.map(verdict => scoreOf(verdict) ?? 0)) : 0
  return (
    <section class="card">
      <h2>
        {chosenOne === undefined ? 'Why nowhere' : 'Why there'}
        {of === 1 ? '' : `: placement ${turn} of ${of}`}{' '}
        {placement.placement === 'fallback' ? <span class="badge warn">fallback</span> : null}
      </h2>
      <p class="dim">
        Decided at {timeOfDay(placement.at)} by <PeerLink peer={placement.by} />, term {placement.term}, strategy {placement.strategy}
        {objective === undefined ? '' : ` for ${objective}`}, from what the peers had said up to {formatDurationMs(placement.viewAgeMs)}{' '}
        before. It needs {needs.cpus} cores, {formatBytes(needs.memoryBytes)} of memory,
        {needs.gpus === undefined ? '' : ` GPUs: ${needs.gpus},`} an image of {bytesText(needs.imageBytes)}.
        {asked === undefined ? '' : ` It asked for: ${policyText(asked)}.`}
      </p>
      <div class="table-box">
        <table class="verdicts" aria-label="Every peer that was looked at">
          <thead>
            <tr>
              <th scope="col">Peer</th>
              <th scope="col">Expected until the last byte</th>
              <th scope="col" class="number">
                Time
              </th>
              {isPriced ? (
                <th scope="col" class="number wide">
                  Price
                </th>
              ) : null}
              {scoreMax > 0 ? (
                <th scope="col" class="score wide" title="What decided: the least is chosen, or drawn among those about as good">
                  Score
                </th>
              ) : null}
              <th scope="col">Verdict</th>
            </tr>
          </thead>
          <tbody>
            {verdicts.map(verdict => {
              const { peer, chosen, fits, cost, terms } = verdict
              const score = scoreOf(verdict)
              return (
                <tr key={peer.id} class={chosen ? 'chosen' : fits ? '' : 'refused'}>
                  <th scope="row">
                    <PeerLink peer={peer} /> {chosen ? <span class="badge good">chosen</span> : null}
                  </th>
                  <td class="cost-cell">
                    {cost === undefined ? (
                      <span class="dim">does not fit</span>
                    ) : (
                      <CostBar segments={costSegments(cost)} scaleMs={scale} label={`Expected on ${peer.name}`} />
                    )}
                  </td>
                  <td class="number">{cost === undefined ? '–' : formatDurationMs(cost.total)}</td>
                  {isPriced ? (
                    <td
                      class="number wide"
                      title={terms === undefined ? '' : `${formatUsd(terms.usdPerHour)} an hour for the whole machine`}
                    >
                      {terms === undefined ? '–' : formatUsd(terms.usd)}
                    </td>
                  ) : null}
                  {scoreMax > 0 ? (
                    <td class="score wide">
                      {score === undefined ? <span class="dim">–</span> : <ScoreBar score={score} max={scoreMax} terms={terms} />}
                    </td>
                  ) : null}
                  <td class="why">{verdictText(verdict, chosenOne)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      <CostLegend />
      {remarkLines(placement).map(remark => (
        <p key={remark} class="note">
          {remark}
        </p>
      ))}
      {skipped === 0 ? null : <p class="dim">{skipped} more peers were not looked at.</p>}
    </section>
  )
}

/** What decided, as a number and beside the scores of the other peers. */
function ScoreBar({ score, max, terms }: { score: number; max: number; terms: VerdictItem['terms'] }) {
  const load = terms === undefined ? '' : `; its cores would be loaded ${terms.cpuLoad.toFixed(2)} times`
  return (
    <div title={`score ${score.toPrecision(6)}, less is better${load}`}>
      {scoreText(score)}
      <svg width="100%" height="4" aria-hidden="true">
        <rect class="track" width="100%" height="4" rx="1" />
        <rect class="score-bar" width={`${((100 * score) / max).toFixed(2)}%`} height="4" rx="1" />
      </svg>
    </div>
  )
}
