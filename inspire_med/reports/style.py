"""Style: calm colours in light and dark, one colour a region, a sheet that prints."""

# The regions' colours are those of the pictures, Okabe and Ito's palette, which colour-blind
# readers tell apart; they are darker on light paper, where dots need a contrast of 3 to 1.
_COLOURS = """
:root { color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1c2126; --soft: #59646d; --line: #dfe3e6;
  --accent: #0b6e72; --stripe: #f3f5f5;
  --region0: #008a68; --region1: #a86f00; --region2: #cc4526;
  --region3: #2877b8; --region4: #a8508f; --region5: #7d6f09; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #14181b; --card: #1c2125; --ink: #e6eaec; --soft: #9aa6ae; --line: #343c42;
  --accent: #58c4c0; --stripe: #21272b;
  --region0: #00c896; --region1: #f5af1e; --region2: #f0694a;
  --region3: #64b9f5; --region4: #d782be; --region5: #f0e050; } }
.region0 { --mark: var(--region0); } .region1 { --mark: var(--region1); }
.region2 { --mark: var(--region2); } .region3 { --mark: var(--region3); }
.region4 { --mark: var(--region4); } .region5 { --mark: var(--region5); }
"""

_TEXT = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 18px; margin: 44px 0 6px; }
h3 { font-size: 14.5px; margin: 18px 0 8px; color: var(--soft); font-weight: 600; }
p.lead, p.hint { color: var(--soft); margin: 0 0 14px; max-width: 78ch; }
p.hint { font-size: 13.5px; } p.hint + p.hint, .scroll + p.hint { margin-top: 14px; }
p.note { color: var(--soft); font-size: 13px; line-height: 1.4; margin: 4px 0 2px; }
p.note b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
nav { font-size: 13.5px; margin-top: 10px; display: flex; flex-wrap: wrap; gap: 2px 16px; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 3px; }
ul { padding-left: 20px; margin: 6px 0; } li { margin: 3px 0; max-width: 90ch; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; font-size: 13.5px; }
dt { color: var(--soft); } dd { margin: 0; }
.heads { display: flex; flex-wrap: wrap; gap: 14px; margin-top: 22px; }
.head, figure, .scroll { background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
.head { flex: 1 1 190px; max-width: 382px; padding: 14px 16px; border-top: 3px solid var(--mark); }
.head .name { font-weight: 600; } .head .big { font-size: 32px; font-weight: 650;
  line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -.02em; }
.head .small { color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
"""

_TABLES = """
.scroll { overflow-x: auto; } .tall { max-height: 560px; overflow: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; overflow-wrap: normal;
  font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child, th.text, td.text { text-align: left; }
th.number + th.text, td:not(.text) + td.text { padding-left: 26px; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line);
  background: var(--card); }
tbody tr:nth-child(even of :not([hidden])) td { background: var(--stripe); }
tr.group th { text-align: left; padding-top: 14px; font-size: 14.5px; color: var(--ink); }
tr.group th::before, tr.mark td:first-child::before, .legend i { content: "";
  display: inline-block; width: 10px; height: 10px; border-radius: 2px; background: var(--mark);
  margin-right: 8px; print-color-adjust: exact; }
td.undefined, td span { color: var(--soft); } td b { font-weight: 650; }
.counts td span { display: block; font-size: 12px; }
td.missed::before { content: "○ "; } td.matched::before { content: "● "; }
td.spurious::before { content: "× "; }
th button { all: unset; cursor: pointer; font: inherit; color: inherit; }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort="ascending"] button::after { content: " ▲"; font-size: 9px; }
th[aria-sort="descending"] button::after { content: " ▼"; font-size: 9px; }
.sortable thead th { position: sticky; top: 0; z-index: 2; white-space: normal;
  vertical-align: bottom; line-height: 1.25; }
.sortable tbody td:first-child { position: sticky; left: 0; background: var(--card); z-index: 1;
  border-right: 1px solid var(--line); }
.sortable td.text { max-width: 260px; overflow: hidden; text-overflow: ellipsis; }
.tools { display: flex; flex-wrap: wrap; gap: 8px 14px; margin-bottom: 10px; font-size: 13.5px;
  color: var(--soft); align-items: center; }
.tools output { font-variant-numeric: tabular-nums; }
input, select { font: inherit; color: inherit; background: var(--card); padding: 3px 8px;
  border: 1px solid var(--line); border-radius: 5px; max-width: 240px; }
"""

_CHARTS = """
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 14px; }
figure { margin: 0; padding: 12px 14px 8px; } figcaption { font-size: 13.5px; font-weight: 600; }
figcaption span { color: var(--soft); font-weight: 400; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
svg.bar { width: 110px; height: 16px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .tick, svg .axis { fill: var(--soft); font-size: 11px; } svg .axis { font-size: 12px; }
svg .label { fill: var(--ink); font-size: 12.5px; }
svg .ci { stroke: var(--mark); stroke-width: 3.5; opacity: .45; stroke-linecap: round; }
svg .mean { fill: var(--mark); }
svg .dot { fill: var(--mark); opacity: .55; } svg .dot:hover { opacity: 1; stroke: var(--ink); }
svg .many { stroke: var(--mark); stroke-width: 3.6; stroke-linecap: round; opacity: .4; }
svg .box { fill: var(--mark); fill-opacity: .13; stroke: var(--mark); stroke-opacity: .75; }
svg .median { stroke: var(--mark); stroke-width: 2.5; }
svg .diamond { fill: var(--card); stroke: var(--ink); stroke-width: 1.3; }
svg .zero { stroke: var(--soft); stroke-width: 1; }
svg .bias { stroke: var(--ink); stroke-width: 1.6; }
svg .limit { stroke: var(--ink); stroke-width: 1.3; stroke-dasharray: 6 4; }
svg .curve { fill: none; stroke: var(--mark); stroke-width: 2; stroke-linejoin: round; }
svg .ring { fill: var(--card); stroke: var(--mark); stroke-width: 2; }
.pictures { display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); }
.pictures figure { padding: 10px; } .pictures img { width: 100%; display: block;
  border-radius: 4px; margin-top: 6px; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; font-size: 13.5px; margin-bottom: 12px; }
"""

# Chromium repeats a table's heading on every printed page, but not the buttons in it; without a box
# of their own their words are the heading's.
_NARROW_AND_PRINTED = """
@media (max-width: 900px) { main { padding: 20px 14px 40px; } th, td { padding: 5px 7px; }
  .head .big { font-size: 27px; } .sortable { font-size: 12px; }
  .sortable th, .sortable td { padding: 4px 5px; }
  .sortable td.text { max-width: 150px; }
  .strata td span { display: block; font-size: 12px; } }
@page { margin: 14mm 12mm; }
@media print { body { background: white; } main { max-width: none; padding: 0; }
  nav, .tools { display: none; } figure, .head, tr { break-inside: avoid; }
  h2, h3, p.hint, .legend { break-after: avoid; } th button { display: contents; }
  .scroll, .tall { overflow: visible; max-height: none; border: none; }
  .sortable thead th, .sortable tbody td:first-child { position: static; }
  .plots { grid-template-columns: 1fr 1fr; } table { font-size: 11px; }
  th, td { padding: 3px 5px; } .sortable { font-size: 9.5px; }
  .sortable th, .sortable td { padding: 2px 3px; white-space: normal; } }
"""

STYLE = _COLOURS + _TEXT + _TABLES + _CHARTS + _NARROW_AND_PRINTED
