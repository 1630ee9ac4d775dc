"""Page: the frame, style and few lines of script of the report; nothing comes from elsewhere."""

from html import escape

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1c2126; --soft: #5b6670; --line: #dfe3e6;
  --accent: #0b6e72; --stripe: #f3f5f5;
  --region0: #008a68; --region1: #b07500; --region2: #cc4526;
  --region3: #2877b8; --region4: #a8508f; --region5: #85760a; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181b; --card: #1c2125; --ink: #e6eaec; --soft: #9aa6ae; --line: #343c42;
  --accent: #58c4c0; --stripe: #21272b;
  --region0: #00c896; --region1: #f5af1e; --region2: #f0694a;
  --region3: #64b9f5; --region4: #d782be; --region5: #f0e050; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 18px; margin: 44px 0 6px; }
p.lead, p.hint { color: var(--soft); margin: 0 0 14px; max-width: 78ch; }
p.hint { font-size: 13.5px; }
nav { font-size: 13.5px; margin-top: 10px; } nav a { margin-right: 16px; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 3px; }
.heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 14px;
  margin-top: 22px; }
.head, figure, .scroll { background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
.head { padding: 14px 16px; border-top: 3px solid var(--mark); }
.head .name { font-weight: 600; } .head .big { font-size: 32px; font-weight: 650;
  line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -.02em; }
.head .small { color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child, th.text, td.text { text-align: left; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line);
  background: var(--card); }
tbody tr:nth-child(even) td { background: var(--stripe); }
tr.group th { text-align: left; padding-top: 14px; font-size: 14.5px; color: var(--ink); }
tr.group th::before, .legend i { content: ""; display: inline-block; width: 10px; height: 10px;
  border-radius: 2px; background: var(--mark); margin-right: 8px; }
td.undefined { color: var(--soft); } td b { font-weight: 650; }
th button { all: unset; cursor: pointer; font: inherit; color: inherit; }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort="ascending"] button::after { content: " ▲"; font-size: 9px; }
th[aria-sort="descending"] button::after { content: " ▼"; font-size: 9px; }
.tools { display: flex; flex-wrap: wrap; gap: 14px; margin-bottom: 10px; font-size: 13.5px;
  color: var(--soft); align-items: center; }
input, select { font: inherit; color: inherit; background: var(--card); padding: 3px 8px;
  border: 1px solid var(--line); border-radius: 5px; }
#cases-box { max-height: 560px; overflow: auto; }
#cases thead th { position: sticky; top: 0; z-index: 1; white-space: normal;
  vertical-align: bottom; line-height: 1.25; }
#cases tbody td:first-child { position: sticky; left: 0; background: var(--card);
  border-right: 1px solid var(--line); max-width: 260px;
  overflow: hidden; text-overflow: ellipsis; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 14px; }
figure { margin: 0; padding: 12px 14px 8px; } figcaption { font-size: 13.5px; font-weight: 600; }
figcaption span { color: var(--soft); font-weight: 400; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
svg.bar { width: 110px; height: 16px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .tick { fill: var(--soft); font-size: 11px; }
svg .label { fill: var(--ink); font-size: 12.5px; }
svg .ci { stroke: var(--mark); stroke-width: 3.5; opacity: .45; stroke-linecap: round; }
svg .mean { fill: var(--mark); }
svg .dot { fill: var(--mark); opacity: .55; } svg .dot:hover { opacity: 1; stroke: var(--ink); }
svg .box { fill: var(--mark); fill-opacity: .13; stroke: var(--mark); stroke-opacity: .75; }
svg .median { stroke: var(--mark); stroke-width: 2.5; }
svg .diamond { fill: var(--card); stroke: var(--ink); stroke-width: 1.3; }
.pictures { display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); }
.pictures figure { padding: 10px; } .pictures img { width: 100%; display: block;
  border-radius: 4px; margin-top: 6px; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; font-size: 13.5px; margin-bottom: 12px; }
h3 { font-size: 14.5px; margin: 18px 0 8px; color: var(--soft); font-weight: 600; }
ul { padding-left: 20px; margin: 6px 0; } li { margin: 3px 0; max-width: 90ch; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; font-size: 13.5px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.region0 { --mark: var(--region0); } .region1 { --mark: var(--region1); }
.region2 { --mark: var(--region2); } .region3 { --mark: var(--region3); }
.region4 { --mark: var(--region4); } .region5 { --mark: var(--region5); }
@media (max-width: 900px) { main { padding: 20px 14px 40px; } th, td { padding: 5px 7px; }
  .head .big { font-size: 27px; } #cases { font-size: 12px; }
  #cases th, #cases td { padding: 4px 5px; }
  #cases tbody td:first-child { max-width: 150px; } }
@media print { body { background: white; } #cases-box { max-height: none; overflow: visible; }
  nav, .tools { display: none; } figure, .head, tr { break-inside: avoid; }
  main { max-width: none; padding: 0; } .scroll { overflow: visible; }
  #cases { font-size: 10px; } #cases th, #cases td { padding: 2px 4px; } }
"""

SCRIPT = """
const table = document.getElementById("cases"), body = table.tBodies[0];
const key = (row, column) => row.cells[column].dataset.value;
table.tHead.addEventListener("click", event => {
  const head = event.target.closest("th");
  if (!head) return;
  const column = head.cellIndex, text = head.classList.contains("text");
  const up = head.getAttribute("aria-sort") !== "ascending", sign = up ? 1 : -1;
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const order = (a, b) => {
    const x = key(a, column), y = key(b, column);
    if (x === "" || y === "") return (x === "") - (y === "");  // undefined values come last
    return sign * (text ? x.localeCompare(y, undefined, {numeric: true}) : x - y);
  };
  body.append(...[...body.rows].sort(order));
});
const region = document.getElementById("region"), words = document.getElementById("words");
const choose = () => {
  for (const row of body.rows)
    row.hidden = (region && region.value && row.dataset.region !== region.value)
      || !key(row, 0).toLowerCase().includes(words.value.toLowerCase());
};
if (region) region.addEventListener("change", choose);
words.addEventListener("input", choose);
"""


def page(title: str, body: str) -> str:
    """A whole HTML document; `body` is HTML, `title` is text."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
