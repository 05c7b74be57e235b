/** The look of the report: one column of cards, light or dark as the reader's system is, and good on paper. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #171b24; --dim: #69707f; --rule: #e3e6ec; --good: #0b7a4b; --good-bg: #e3f5ec;
  --s0: #2563eb; --s1: #d97706; --s2: #059669; --s3: #9333ea; --s4: #dc2626; --s5: #0891b2; --s6: #be185d; --s7: #64748b }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1218; --card: #171b24; --ink: #e8ebf1; --dim: #949cab; --rule: #2a303c; --good: #5fd3a0; --good-bg: #12301f;
  --s0: #6ea0ff; --s1: #f5ab4b; --s2: #45c795; --s3: #c38bff; --s4: #ff7d7d; --s5: #4cc3dd; --s6: #f27ab0; --s7: #9aa6b8 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, 'Segoe UI', sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px }
h1 { font-size: 26px; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 6px } h2 { font-size: 16px; margin: 0 } p { margin: 0 }
.scene { color: var(--dim) } .verdict { font-size: 19px; margin: 22px 0 26px; max-width: 60em }
.verdict b { color: var(--good) }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 18px; margin-top: 18px }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 18px 20px; min-width: 0 }
.card p { color: var(--dim); font-size: 13px; margin: 2px 0 12px }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: 7px 10px; border-top: 1px solid var(--rule); white-space: nowrap } thead th { border: 0; color: var(--dim); font-weight: 500; vertical-align: bottom; white-space: normal }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card) } td small { color: var(--dim); display: block; font-size: 11px }
td.best { background: var(--good-bg); color: var(--good); font-weight: 600 }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 8px }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12.5px; color: var(--dim); margin-top: 10px }
svg { display: block; width: 100%; height: auto; overflow: visible; font-size: 12px } text { dominant-baseline: middle; fill: var(--ink) }
.label { text-anchor: end } .tick { text-anchor: middle; fill: var(--dim) } .dim { fill: var(--dim) } .grid { stroke: var(--rule) }
.line { fill: none; stroke-width: 2; stroke-linejoin: round } .dashed { stroke-dasharray: 5 4 } .whisker { stroke: var(--ink); opacity: .55 }
${Array.from({ length: 8 }, (_, i) => `.bar.s${i} { fill: var(--s${i}) } .line.s${i} { stroke: var(--s${i}) } .key.s${i} { background: var(--s${i}) }`).join('\n')}
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 8px 0 0; font-size: 13px } dt { color: var(--dim) } dd { margin: 0 }
ul { margin: 8px 0 0; padding-left: 18px; font-size: 13px; color: var(--dim) } code { font: 12.5px ui-monospace, monospace }
@media print { body { background: none } .card { break-inside: avoid } }
`
