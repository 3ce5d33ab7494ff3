#include "core/report/style.h"

namespace unlasting::report {

const char kStyleSheet[] = R"css(
:root { color-scheme: light dark;
  --paper: #fff; --card: #f7f8fa; --ink: #1d2430; --soft: #5b6574; --rule: #dfe3e8;
  --control: #7d8794; --truth: #0b6fb8; --predicted: #d95f02; --predicted-ink: #b04a00; --shift: #7b4fa3;
  --ceiling: #1a936f; --rank: #cf5a9b; --linear: #9a7d0a; --additive: #3f88a5;
  --replay: #a23b3b; --expected: #4d5fc4;
  --good: #146c43; --good-paper: #e3f4ea; --bad: #a33a1a;
  --bad-paper: #fbe9e2; --care: #7a5600; --care-paper: #fdf1d0; --open: #5b6574; --open-paper: #eceff3; --best: #fdf0d5; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #12161c; --card: #1a2028; --ink: #e4e8ee; --soft: #9aa5b4; --rule: #2e3742;
  --control: #98a3b2; --truth: #58a8e8; --predicted: #ff9a4d; --predicted-ink: #ff9a4d; --shift: #b998e0;
  --ceiling: #4fc79d; --rank: #f08cc3; --linear: #d9b93b; --additive: #7fc4dd;
  --replay: #e58585; --expected: #9aa8ff;
  --good: #7fdba9; --good-paper: #16301f; --bad: #ffab8a;
  --bad-paper: #3a1d13; --care: #f0cf73; --care-paper: #352a0c; --open: #9aa5b4; --open-paper: #242c36; --best: #43371a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1160px; padding: 36px 28px 60px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
  "Liberation Sans", sans-serif; }
header { border-bottom: 3px solid var(--truth); padding-bottom: 14px; margin-bottom: 22px; }
header p { margin: 0; color: var(--soft); }
h1 { font-size: 27px; line-height: 1.2; margin: 2px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 38px 0 10px; }
h3 { font-size: 17px; margin: 0; overflow-wrap: anywhere; }
small, .note, figcaption, article > p { color: var(--soft); font-size: 13px; }
.note { margin: 4px 0 12px; max-width: 80ch; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr));
  gap: 0 28px; margin: 0 0 24px; }
.facts div { display: flex; gap: 12px; padding: 6px 0; border-bottom: 1px solid var(--rule); }
.facts dt { flex: 0 0 116px; color: var(--soft); }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.verdict { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 16px 20px; margin-bottom: 14px; }
.verdict p { margin: 10px 0 0; }
.badge { display: inline-block; border-radius: 99px; padding: 3px 13px; font-weight: 600;
  font-size: 14px; color: var(--open); background: var(--open-paper); }
.badge.good { color: var(--good); background: var(--good-paper); }
.badge.bad { color: var(--bad); background: var(--bad-paper); }
.badge.care { color: var(--care); background: var(--care-paper); }
.light { border-left: 5px solid; border-radius: 6px; padding: 9px 14px; margin: 0 0 8px;
  overflow-wrap: anywhere; }
.light.good { color: var(--good); background: var(--good-paper); }
.light.care { color: var(--care); background: var(--care-paper); }
.light.bad { color: var(--bad); background: var(--bad-paper); }
body > .light { font-size: 16px; margin-bottom: 20px; }
.box { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 4px 20px 12px; margin: 0 0 22px; }
.box .facts { margin-bottom: 4px; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); }
.box > h3 { margin: 12px 0 6px; }
.contents { border: 1px solid var(--rule); border-radius: 8px; padding: 10px 16px; margin: 0 0 22px;
  max-height: 190px; overflow: auto; }
.contents ol { margin: 0; padding: 0; list-style: none; columns: 230px; column-gap: 24px; }
.contents li { padding: 2px 0; overflow-wrap: anywhere; break-inside: avoid; }
a { color: var(--truth); }
h2 { scroll-margin-top: 12px; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 14px 22px;
  margin: 10px 0 14px; }
.plots figure { max-width: 420px; } section > figure > svg { max-width: 640px; }
figure.scale { margin-bottom: 24px; } figure.scale > svg { max-width: 380px; }
.remarks { margin: 6px 0 14px; padding-left: 20px; } .remarks li { margin: 4px 0;
  overflow-wrap: anywhere; }
.tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 4px 0 6px; }
@media (min-width: 641px) { .tools.lone { margin: -32px 0 4px; pointer-events: none; }
  .tools.lone button { pointer-events: auto; }
  figure.table figcaption { padding-right: 120px; min-height: 26px; } }
.tools input, .tools button, .tools select, .more { font: inherit; font-size: 14px;
  color: var(--ink); background: var(--paper); border: 1px solid var(--rule); border-radius: 6px;
  padding: 4px 10px; }
.tools input { flex: 0 1 240px; min-width: 0; } .tools .csv { margin-left: auto; }
.tools button, .more, .sort { cursor: pointer; } .tools .picker { display: none; }
.more { margin: 8px 0; } .count { color: var(--soft); font-size: 14px; }
button:hover { border-color: var(--truth); }
:focus-visible { outline: 2px solid var(--truth); outline-offset: 1px; }
.sort { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: inherit; }
.sort::after { content: " \2195"; opacity: .35; } [aria-sort] .sort::after { opacity: 1; }
[aria-sort=ascending] .sort::after { content: " \2191"; }
[aria-sort=descending] .sort::after { content: " \2193"; }
[hidden] { display: none !important; }
.up::before { content: "▲ "; font-size: .8em; } .down::before { content: "▼ "; font-size: .8em; }
.up { color: var(--predicted-ink); } .down { color: var(--truth); }
table.text td { white-space: normal; } table.text td.words { text-align: left; min-width: 190px;
  overflow-wrap: anywhere; }
table.plainly thead th:nth-child(2), table.plainly tbody td:nth-child(2) { color: inherit; }
table.plainly thead th:nth-child(2) { color: var(--soft); }
.table table.genes, .table table.text { min-width: 0; table-layout: auto; }
table.text th:first-child { min-width: 120px; width: auto; }
table.text th, table.text td { padding: 6px 9px; } table.text thead th { white-space: normal; }
table.text thead th:first-child { min-width: 142px; } table.text td small { white-space: nowrap; }
.table table thead th { vertical-align: bottom; } .table table thead th { white-space: normal; }
th.words { text-align: left; } td .badge { white-space: nowrap; }
.plots article { margin: 0; padding: 12px 14px 4px; min-width: 0; }
:target { outline: 2px solid var(--truth); outline-offset: 3px; }
section:target { outline: 0; }
table.genes th:first-child { min-width: 110px; width: auto; }
.legend { margin: 10px 0; font-size: 13.5px; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin: 0 6px 0 14px; }
.key:first-child { margin-left: 0; }
.key.control { background: var(--control); } .key.truth { background: var(--truth); }
.key.predicted { background: var(--predicted); } .key.shift { background: var(--shift); }
.key.ceiling { background: var(--ceiling); } .key.linear { background: var(--linear); }
.key.additive { background: var(--additive); } .legend span { color: var(--soft); margin-left: 14px; }
.modes { display: block; } .modes.differ { color: var(--bad); }
.pair { display: grid; grid-template-columns: 520fr 346fr; gap: 10px; align-items: start; }
figure { margin: 0 0 8px; min-width: 0; break-inside: avoid; }
figure.table { margin: 0 0 24px; }
figcaption { margin-bottom: 5px; } figcaption b { color: var(--ink); font-size: 14px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px; border-bottom: 1px solid var(--rule); text-align: right;
  white-space: nowrap; }
th:first-child { text-align: left; padding-left: 2px; white-space: normal;
  overflow-wrap: anywhere; width: 30%; min-width: 180px; }
.table table, details table { table-layout: fixed; min-width: 720px; }
.table table.wide { table-layout: auto; }
table.wide thead th:nth-child(2) { color: var(--soft); } table.wide td:nth-child(2) { color: inherit; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--rule); }
tbody th { font-weight: 500; } tbody th small { display: block; font-weight: 400; }
tfoot th, tfoot td { font-weight: 700; border-top: 2px solid var(--rule); }
td.best { background: var(--best); font-weight: 700; }
thead th:nth-child(2), tbody td:nth-child(2), tfoot td:nth-child(2) { color: var(--predicted-ink); }
details { margin: 6px 0 0; } summary { cursor: pointer; color: var(--truth); padding: 4px 0; }
code { font: 12.5px ui-monospace, "DejaVu Sans Mono", monospace; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(255px, 1fr)); gap: 14px; }
.panels.small { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px 12px; }
article { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 16px 18px 10px; margin: 0 0 18px; break-inside: avoid; }
article > p { margin: 0 0 10px; } h3 + .panels { margin-top: 10px; }
.group { display: grid; grid-template-columns: minmax(0, 330fr) minmax(0, 740fr); gap: 20px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 10.5px; fill: var(--soft); font-family: inherit; }
svg .axis-title, svg .name { font-size: 11.5px; } svg .name { fill: var(--ink); }
svg .annotation { font-size: 12.5px; font-weight: 600; fill: var(--ink); }
svg .gene-name { font-size: 11px; fill: var(--ink); paint-order: stroke; stroke: var(--card);
  stroke-width: 3px; stroke-linejoin: round; }
svg .share { font-size: 9px; }
svg.large text, svg.large .axis-title, svg.large .name, svg.large .gene-name, svg.large .share {
  font-size: 14px; }
.dots.up { stroke: var(--predicted); opacity: .8; } .dots.down { stroke: var(--truth); opacity: .8; }
.dots.still { stroke: var(--soft); opacity: .35; }
.grid { stroke: var(--rule); stroke-width: 1; } .axis { stroke: var(--soft); stroke-width: 1; }
.goal { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 4; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.dots { fill: none; stroke-width: 3.2; stroke-linecap: round; opacity: .5; }
.dots.gene { stroke: var(--truth); }
.dots.cell { stroke-width: 3.6; opacity: .45; }
.dots.control { stroke: var(--control); } .dots.truth { stroke: var(--truth); }
.dots.predicted { stroke: var(--predicted); }
circle.centre { fill: var(--card); stroke-width: 3; } circle.centre.control { fill: var(--card);
  stroke: var(--control); } circle.centre.truth { stroke: var(--truth); }
circle.centre.predicted { fill: var(--card); stroke: var(--predicted); }
circle.truth { fill: var(--truth); } circle.centre.truth { fill: var(--card); }
.interval { stroke: var(--predicted); stroke-width: 2.4; opacity: .45; stroke-linecap: round; }
.verdict ul { color: var(--soft); font-size: 13.5px; margin: 8px 0 0; padding-left: 18px; }
.verdict li { margin: 3px 0; }
circle.trained { fill: var(--card); stroke-width: 1.8; } circle.trained.truth {
  fill: var(--card); stroke: var(--truth); }
.whisker { stroke-width: 1.6; } .whisker.truth { stroke: var(--truth); }
.whisker.predicted { stroke: var(--predicted); }
td small { display: block; font-weight: 400; font-size: 11px; }
table.hubs tbody td:nth-child(2), table.hubs thead th:nth-child(2) { color: inherit; }
table.hubs th:first-child { min-width: 0; width: auto; }
table.hubs { font-size: 12.5px; } table.hubs td, table.hubs th { padding: 2px 8px; }
.area { opacity: .13; } .track { fill: var(--rule); opacity: .45; }
.line.control { stroke: var(--control); } .line.truth { stroke: var(--truth); }
.line.predicted { stroke: var(--predicted); }
circle.control, .area.control, .bar.control { fill: var(--control); }
.area.truth, .bar.truth { fill: var(--truth); }
circle.predicted, .area.predicted, .bar.predicted { fill: var(--predicted); }
circle.shift { fill: var(--shift); } circle.rank, .key.rank { fill: var(--rank);
  background: var(--rank); } circle.ceiling { fill: var(--ceiling); }
circle.replay { fill: var(--replay); } circle.expected { fill: var(--expected); }
.key.replay { background: var(--replay); } .key.expected { background: var(--expected); }
circle.linear { fill: var(--linear); } circle.additive { fill: var(--additive); }
.mark { stroke: var(--paper); stroke-width: 1.2; }
.reading { columns: 2; column-gap: 36px; font-size: 13.5px; color: var(--soft); }
.reading p { margin: 0 0 8px; break-inside: avoid; } .reading b { color: var(--ink); }
@media (max-width: 820px) { .group { grid-template-columns: minmax(0, 1fr); }
  .panels.small { grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); }
  .reading { columns: 1; } body { padding: 20px 16px; } }
@media (max-width: 640px) { body { padding: 14px 12px 40px; font-size: 16px; }
  h1 { font-size: 23px; } article, .verdict, .box { padding-left: 11px; padding-right: 11px; }
  small, .note, figcaption, figcaption b, article > p, table, td small, th small, code, .legend,
  .verdict ul, .reading, table.hubs, .badge { font-size: 14px; }
  .contents { max-height: 260px; } .badge { border-radius: 12px; }
  .facts, .box .facts, .pair { grid-template-columns: minmax(0, 1fr); } .facts div { display: block; }
  .panels.small, .panels { grid-template-columns: minmax(0, 1fr); }
  .plots figure { max-width: none; } figure { overflow-x: auto; }
  section, section > div { min-width: 0; }
  .pair { display: flex; overflow-x: auto; } .pair svg { flex: none; width: auto; }
  .tools .picker { display: inline-block; max-width: 60%; } .tools input { flex: 1 1 100%; }
  .tools .csv { margin-left: 0; }
  .js .table table, .js details table, .js table.hubs { min-width: 0; display: block; }
  .js table thead { display: none; }
  .js table tbody, .js table tfoot { display: block; }
  .js table tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr));
    gap: 5px 10px; padding: 9px 0; border-bottom: 2px solid var(--rule); }
  .js table.members tr { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
  .js table tbody th, .js table tfoot th { grid-column: 1 / -1; width: auto; min-width: 0;
    text-align: left; border: 0; padding: 0; font-weight: 600; }
  .js table td, .js table.text td.words { display: block; border: 0; padding: 0; min-width: 0;
    text-align: left; white-space: normal; overflow-wrap: anywhere; }
  .js table td.words { grid-column: 1 / -1; } .js table.text td small { white-space: normal; }
  .js table td::before { content: attr(data-label); display: block; color: var(--soft);
    font-weight: 400; }
  .js table td.best { padding: 1px 6px; margin: -1px -6px; border-radius: 4px; }
  .js table td:empty { display: none; } }
@media print { .tools, .more, .contents { display: none; }
  :root { color-scheme: light;
  --paper: #fff; --card: #fff; --ink: #1d2430; --soft: #5b6574; --rule: #dfe3e8;
  --control: #7d8794; --truth: #0b6fb8; --predicted: #d95f02; --predicted-ink: #b04a00; --shift: #7b4fa3;
  --ceiling: #1a936f; --rank: #cf5a9b; --linear: #9a7d0a; --additive: #3f88a5;
  --replay: #a23b3b; --expected: #4d5fc4;
  --good: #146c43; --good-paper: #e3f4ea; --bad: #a33a1a;
  --bad-paper: #fbe9e2; --care: #7a5600; --care-paper: #fdf1d0; --open: #5b6574; --open-paper: #eceff3; --best: #fdf0d5; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 11.5pt; }
  .group { grid-template-columns: minmax(0, 290fr) minmax(0, 740fr); gap: 12px; }
  .panels.small { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 2px 10px; }
  .group figcaption, .group figcaption b { font-size: 7.5pt; line-height: 1.25; }
  .group figcaption { margin-bottom: 0; } .group figure { margin-bottom: 3px; }
  th, td { padding: 2px 8px; } table { font-size: 9pt; } tr { break-inside: avoid; }
  th small, td small { font-size: 7.5pt; line-height: 1.2; } .table table { min-width: 0; }
  figure.table { break-inside: auto; } tfoot { display: table-row-group; } article { padding: 7px 10px 3px; margin: 0 0 8px; }
  article > p { margin: 0 0 4px; } h3 { font-size: 12pt; }
  h2 { break-after: avoid; } .scroll { overflow: visible; } }
)css";

}  // namespace unlasting::report
