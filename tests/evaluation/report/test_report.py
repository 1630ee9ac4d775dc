import math
from html.parser import HTMLParser

from inspire_med.evaluation.measures.words import MEASURES
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.report.report import Picture, Report, report_html
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.scores import as_table, summarise_table

CASES = [
    CaseScores(
        name,
        {region: RegionResult({"dice": dice, "hd95_mm": distance}) for region in ("WT", "<ET>")},
    )
    for name, dice, distance in (("a", 0.5, 4.0), ("b&c", 0.0, math.inf))
]


class Reader(HTMLParser):
    """Collects tags that open and close, attributes, and text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(pictures=(), notes=()):
    report = Report(
        protocol("segmentation"),
        MEASURES,
        CASES,
        summarise_table(as_table(CASES)),
        pictures,
        notes,
        {"Manifest": "a/<b>.json"},
    )
    reader = Reader()
    reader.feed(report_html(report))
    return reader


def test_every_tag_is_closed_in_order():
    assert read([Picture("worst", "a", 0.5, b"png")], ["Left out: d."]).open == []


def test_nothing_comes_from_elsewhere():
    reader = read([Picture("worst", "a", 0.5, b"png")])

    links = [
        value
        for _, attributes in reader.tags
        for name, value in attributes.items()
        if name in ("src", "href", "action")
    ]

    assert links
    assert all(link.startswith(("data:", "#")) for link in links)


def test_names_from_files_are_text_and_never_markup():
    reader = read(notes=["<script>alert(1)</script>"])

    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert "<ET>" in reader.text
    assert "b&c" in reader.text


def test_summary_states_mean_interval_and_how_many_are_undefined():
    text = " ".join(read().text.split())

    assert "0.250" in text
    assert "0.000 to 0.500" in text
    assert "1 undefined" in text


def test_every_case_and_region_has_a_row_that_sorts_by_value():
    reader = read()

    rows = [attributes for tag, attributes in reader.tags if tag == "tr" and attributes]
    cells = [
        attributes["data-value"] for _, attributes in reader.tags if "data-value" in attributes
    ]

    assert [row["data-region"] for row in rows if "data-region" in row] == ["WT", "<ET>"] * 2
    assert cells[:4] == ["a", "WT", "0.5", "4"]
    assert cells[-1] == ""  # undefined


def test_pictures_are_embedded():
    reader = read([Picture("best", "a", 0.5, b"\x89PNG")])

    images = [attributes for tag, attributes in reader.tags if tag == "img"]

    assert images[0]["src"] == "data:image/png;base64,iVBORw=="
    assert "a: image" in images[0]["alt"]


def test_rules_notes_and_provenance_are_printed():
    text = read(notes=["Left out: d."]).text

    assert all(line in text for line in protocol("segmentation").policy)
    assert "Left out: d." in text
    assert "a/<b>.json" in text
