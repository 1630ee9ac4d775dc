"""A report with something of everything, and a real browser to open it in."""

import json
import math
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.result import CaseScores, Lesion, RegionResult
from inspire_med.evaluation.scores import score_table, summarise_scores
from inspire_med.evaluation.statistics.strata import stratify
from inspire_med.reports.pictures import Picture
from inspire_med.reports.report import Report, report_html
from inspire_med.viz.panels import Panel

SVG = "{http://www.w3.org/2000/svg}"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Seen by the page before its own script runs; what it finds is read from the dumped document.
WATCH = """<script>
const complaints = [];
addEventListener("error", event => complaints.push(String(event.message || event.target)), true);
addEventListener("unhandledrejection", event => complaints.push(String(event.reason)));
for (const kind of ["error", "warn"]) console[kind] = (...words) => complaints.push(words.join());
</script>"""
ASK = """<script>
(async () => {
  let found;
  try { found = await (async () => { %s })(); } catch (fault) { complaints.push(String(fault)); }
  document.body.dataset.answer = JSON.stringify({complaints, found});
})();
</script>"""


class Drawing:
    """What stands in a chart: its words, and its cases with what they say when pointed at."""

    def __init__(self, svg):
        self.root = ElementTree.fromstring(str(svg))
        self.name = self.root.get("aria-label")
        self.words = {
            "".join(each.itertext()): (float(each.get("x", 0)), float(each.get("y", 0)))
            for each in self.root.iter(SVG + "text")
        }
        self.dots = {
            each[0].text: (float(each.get("x")), float(each.get("y")))
            for each in self.root.iter(SVG + "use")
            if len(each)
        }

    def paths(self, *styles):
        """The points of every path whose style has all of these."""
        return [
            [
                tuple(map(float, point))
                for point in re.findall(r"([-\d.]+) ([-\d.]+)", each.get("d"))
            ]
            for each in self.root.iter(SVG + "path")
            if all(style in each.get("style", "") for style in styles)
        ]


@dataclass(frozen=True)
class Section:
    """A section of a page: its text without markup, and its charts."""

    html: str

    @property
    def text(self):
        return " ".join(unescape(re.sub("<[^>]*>", " ", self.html)).split())

    @property
    def drawings(self):
        return [Drawing(svg) for svg in re.findall("<svg.*?</svg>", self.html, flags=re.DOTALL)]


def _section(page, name):
    found = re.search(f'<section id="{name}">(.*?)</section>', page, flags=re.DOTALL)
    return Section(found[1] if found else "")


@pytest.fixture
def drawing():
    """Read a chart."""
    return Drawing


@pytest.fixture
def section():
    """A section of a page by its name; empty where there is none."""
    return _section


@pytest.fixture
def section_of():
    """A section of the page of some cases."""

    def make(name, cases, measures=MEASURES, **more):
        rules = replace(protocol("segmentation"), measures=measures)
        summaries = summarise_scores(score_table(cases))
        return _section(report_html(Report(rules, cases, summaries, **more)), name)

    return make


@pytest.fixture(scope="session")
def page(report):
    return report_html(report)


@pytest.fixture(scope="session")
def report():
    """Eight cases of three regions; `b` is undefined in one measure, ET empty in `c`."""
    rules = protocol("segmentation")
    words = {**rules.measures, "lesions_fp": Measure("Spurious lesions", "count", "low")}
    cases = [case(number, name) for number, name in enumerate("abcdefgh")]
    return Report(
        replace(rules, measures=words),
        cases,
        summarise_scores(score_table(cases)),
        stratify(cases, {each.case: "AB"[number % 2] for number, each in enumerate(cases)}),
        [Picture(group, "a", 0.5, panels()) for group in ("worst", "median", "best")],
        ["Left out: z."],
        {"Manifest hash": "3f1c" * 16, "Run": "runs/one", "Commit": "bde914b"},
        {"ET": "enhancing tumour"},
    )


def case(number, name):
    regions = {}
    for place, region in enumerate(("WT", "TC", "ET")):
        is_empty = (name, region) == ("c", "ET")
        size = 0.0 if is_empty else 4.0 ** (number - place)
        measures = {
            "dice": 1.0 if is_empty else 0.9 - 0.07 * number - 0.02 * place,
            "hd95_mm": math.inf if name == "b" else 2.0 + 3 * number,
            "volume_difference_ml": 0.1 * size,
            "lesions_fp": float(number),
        }
        lesions = (
            Lesion("matched", 100.0 * (number + 1), (10.0, 20.0, 30.0), 0.8, 3.0),
            Lesion("missed", 9.0 + number, (1.0, 2.0, 3.0), 0.0, math.inf, counted=False),
            Lesion("spurious", 5.0 + number, (4.0, 5.0, 6.0)),
        )
        curves = {"dice": np.linspace(1, 0, 256) * 0.9, "iou": np.linspace(1, 0, 256) * 0.8}
        regions[region] = RegionResult(measures, lesions, curves, (size, 1.1 * size))
    return CaseScores(name, regions)


def panels():
    pixels = np.full((220, 180, 3), 90, dtype=np.uint8)
    return [Panel(name, pixels, "RALP", "axial slice k = 7") for name in ("flair", "errors")]


class Body(HTMLParser):
    """The answer a page left at its body."""

    answer = None

    def handle_starttag(self, tag, attrs):
        if tag == "body":
            self.answer = json.loads(dict(attrs)["data-answer"])


@dataclass(frozen=True)
class Chromium:
    """A headless browser with a profile of its own."""

    program: str
    folder: Path

    def ask(self, page, script, *, width=1280, dark=False):
        """Open a page, run a script in it; what it returns, and no complaint by the browser."""
        watched = page.replace("<head>", f"<head>{WATCH}", 1)
        before, after = watched.rsplit("</body>", 1)
        watched = f"{before}{ASK % script}</body>{after}"
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        dumped = self._run(
            watched,
            "--dump-dom",
            "--virtual-time-budget=5000",
            f"--window-size={width},900",
            scheme,
        )
        body = Body()
        body.feed(dumped)
        assert body.answer["complaints"] == []
        return body.answer["found"]

    def printed(self, page):
        """The page as a PDF file's content."""
        self._run(page, f"--print-to-pdf={self.folder / 'page.pdf'}")
        return (self.folder / "page.pdf").read_bytes()

    def _run(self, page, *options):
        file = self.folder / "page.html"
        file.write_text(page, encoding="utf-8")
        quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
        quiet += ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # WebGL on a CPU
        profile = f"--user-data-dir={self.folder / 'profile'}"
        return subprocess.run(
            [self.program, *quiet, profile, *options, file.as_uri()],
            check=True,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        ).stdout


@pytest.fixture
def chromium(tmp_path):
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"needs a browser: none of {', '.join(BROWSERS)} is installed")
    return Chromium(program, tmp_path)
