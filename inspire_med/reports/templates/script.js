const collator = new Intl.Collator(undefined, {numeric: true});
const key = (row, column) =>
  row.cells[column].dataset.value ?? row.cells[column].textContent;

function sortBy(table, head) {
  const column = head.cellIndex, text = head.classList.contains("text");
  const up = head.getAttribute("aria-sort") !== "ascending", sign = up ? 1 : -1;
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map(row => [key(row, column), row]);
  rows.sort(([x], [y]) => {
    if (x === "" || y === "") return (x === "") - (y === "");  // undefined values come last
    return sign * (text ? collator.compare(x, y) : x - y);
  });
  body.append(...rows.map(([, row]) => row));
}

function fits(row, choice) {
  const found = key(row, choice.dataset.column);
  return choice.type === "search"
    ? found.toLowerCase().includes(choice.value.toLowerCase())
    : found === choice.value;
}

for (const table of document.querySelectorAll("table.sortable")) {
  const section = table.closest("section"), rows = table.tBodies[0].rows;
  const choices = [...section.querySelectorAll("[data-column]")];
  const choose = () => {
    const asked = choices.filter(choice => choice.value);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !asked.every(choice => fits(row, choice));
      if (!row.hidden) shown += 1;
    }
    section.querySelector("output").textContent = `${shown} of ${rows.length} rows`;
  };
  for (const choice of choices) choice.addEventListener("input", choose);
  table.tHead.addEventListener("click", event => {
    const head = event.target.closest("th");
    if (head) sortBy(table, head);
  });
  choose();
}
