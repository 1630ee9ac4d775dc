"""The report opened in a real headless browser."""

import re

import pytest

# Rows of the table in a section, as the reader sees them.
ROWS = """
const rows = section => [...document.querySelectorAll(`#${section} tbody tr`)]
  .filter(row => !row.hidden)
  .map(row => [...row.cells].map(cell => cell.textContent));
const click = (section, heading) => [...document.querySelectorAll(`#${section} thead button`)]
  .find(button => button.textContent === heading).click();
const choose = (section, column, value) => {
  const choice = document.querySelector(`#${section} [data-column="${column}"]`);
  choice.value = value;
  choice.dispatchEvent(new Event("input"));
};
const count = section => document.querySelector(`#${section} output`).textContent;
"""

# Smallest contrast of any text against what lies behind it, after WCAG 2.
CONTRAST = """
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const linear = part => part <= 0.04045 * 255 ? part / 255 / 12.92
  : ((part / 255 + 0.055) / 1.055) ** 2.4;
const light = ([red, green, blue]) =>
  0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
const behind = node => {
  const found = numbers(getComputedStyle(node).backgroundColor);
  return found.length < 4 || found[3] > 0 ? found : behind(node.parentElement);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let least = [99, ""];
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || node.closest("script, title, option")) continue;
  if (node.closest(".panels svg")) continue;  // white on a dark patch of its own
  const style = getComputedStyle(node);
  const ink = light(numbers(node.closest("svg") ? style.fill : style.color));
  const paper = light(behind(node));
  const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  if (ratio < least[0]) least = [ratio, walker.currentNode.data];
}
const body = getComputedStyle(document.body);
return {least, ink: body.color, paper: body.backgroundColor};
"""


def test_loads_without_complaint_and_fetches_nothing(chromium, page):
    fetched = chromium.ask(page, 'return performance.getEntriesByType("resource").map(r => r.name)')

    assert [name for name in fetched if not name.startswith("data:")] == []


def test_complaints_of_the_browser_are_heard(chromium):
    broken = "<html><head></head><body><script>nothing.here;</script></body></html>"

    with pytest.raises(AssertionError, match="nothing is not defined"):
        chromium.ask(broken, "return 1")


def test_pictures_are_there(chromium, page):
    sizes = chromium.ask(
        page,
        'const images = [...document.querySelectorAll("svg image")];'
        "return Promise.all(images.map(async image => {"
        "  const copy = new Image(); copy.src = image.href.baseVal; await copy.decode();"
        "  const {width, height} = image.getBoundingClientRect();"
        "  return [copy.naturalWidth, copy.naturalHeight, height / width]; }))",
    )

    assert [size[:2] for size in sizes] == [[180, 220]] * 6
    assert [size[2] for size in sizes] == pytest.approx([220 / 180] * 6, rel=0.01)


def test_every_chart_has_a_size_and_a_name(chromium, page):
    charts = chromium.ask(
        page,
        'return [...document.querySelectorAll(".plots svg")].map('
        'svg => [svg.getAttribute("aria-label"), svg.getBoundingClientRect().height])',
    )

    assert "WT: difference in size" in dict(charts)
    assert "ET: Dice by size" in dict(charts)
    assert all(height > 100 for _, height in charts)


def test_cases_sort_by_value_with_undefined_ones_last(chromium, page):
    up, down = chromium.ask(
        page,
        ROWS + 'click("cases", "HD95 [mm]"); const up = rows("cases").map(row => row[3]);'
        'click("cases", "HD95 [mm]"); return [up, rows("cases").map(row => row[3])]',
    )

    values = [f"{2 + 3 * number:.2f}" for number in (0, 2, 3, 4, 5, 6, 7)]  # "11.00" after "8.00"
    assert up == [value for value in values for _ in range(3)] + ["–"] * 3
    assert down == [value for value in reversed(values) for _ in range(3)] + ["–"] * 3


def test_cases_sort_by_name_and_heading_says_which_way(chromium, page):
    names, directions = chromium.ask(
        page,
        ROWS + 'click("cases", "Case"); click("cases", "Case");'
        'return [rows("cases").map(row => row[0]),'
        '[...document.querySelectorAll("th")].map(head => head.ariaSort).filter(Boolean)]',
    )

    assert names == [name for name in "hgfedcba" for _ in range(3)]
    assert directions == ["descending"]


def test_cases_are_chosen_by_region_and_name(chromium, page):
    whole, some, words = chromium.ask(
        page,
        ROWS + 'const whole = count("cases"); choose("cases", 1, "ET"); choose("cases", 0, "C");'
        'return [whole, rows("cases"), count("cases")]',
    )

    assert whole == "24 of 24 rows"
    assert [row[:2] for row in some] == [["c", "ET"]]
    assert words == "1 of 24 rows"


def test_lesions_sort_and_are_chosen_apart_from_cases(chromium, page):
    lesions, cases = chromium.ask(
        page,
        ROWS.replace("#${section} tbody", "#${section} .sortable tbody")
        + 'click("lesions", "Size [mm³]"); choose("lesions", 2, "spurious");'
        'return [rows("lesions"), rows("cases").length]',
    )

    assert [row[3] for row in lesions] == [f"{5 + number}" for number in range(8) for _ in "123"]
    assert {row[2] for row in lesions} == {"spurious"}
    assert cases == 24


# A page in a frame as narrow as a telephone, which the window itself cannot be; then what stands
# out of the page, and what is cut: wider than its box, in a box that does not scroll.
NARROW = """
const frame = document.createElement("iframe");
frame.style.cssText = "width: %dpx; height: 900px; border: 0";
frame.srcdoc = document.documentElement.outerHTML.replace(/<script>[^]*?<\\/script>/g, "");
const loaded = new Promise(done => frame.addEventListener("load", done));
document.body.replaceChildren(frame);
await loaded;
const page = frame.contentDocument, root = page.documentElement;
const cut = [...page.querySelectorAll("main *:not(svg *)")].filter(node => {
  const style = frame.contentWindow.getComputedStyle(node);
  const scrolls = ["auto", "scroll"].includes(style.overflowX);
  return !scrolls && node.clientWidth && node.scrollWidth > node.clientWidth + 1;
});
return [root.clientWidth, root.scrollWidth,
  cut.map(node => [node.tagName, node.className, node.textContent.slice(0, 40)])];
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 800, 390])
def test_nothing_stands_out_sideways_or_is_cut(chromium, page, width):
    inner, scrolled, cut = chromium.ask(page, NARROW % width)

    assert width - 20 <= inner <= width
    assert scrolled <= inner
    assert cut == []


def test_long_names_do_not_widen_the_page(chromium, page):
    long = page.replace(">WT<", f">{'whole tumour with everything around it ' * 4}<")
    long = long.replace("runs/one", "/a/very/long/path" * 20)

    inner, scrolled = chromium.ask(
        long, "return [innerWidth, document.documentElement.scrollWidth]", width=800
    )

    assert scrolled <= inner


@pytest.mark.slow
def test_text_is_readable_in_light_and_dark(chromium, page):
    light, dark = (chromium.ask(page, CONTRAST, dark=dark) for dark in (False, True))

    assert light["least"][0] >= 4.5, light["least"]
    assert dark["least"][0] >= 4.5, dark["least"]
    assert light["ink"] != dark["ink"]
    assert light["paper"] != dark["paper"]


@pytest.mark.slow
def test_prints_to_pdf(chromium, page):
    content = chromium.printed(page)

    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 2
