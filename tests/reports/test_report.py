from dataclasses import replace
from html.parser import HTMLParser

import pytest

from inspire_med.evaluation.measures.measure import MEASURES, in_pixels
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.result import CaseScores, Lesion, RegionResult
from inspire_med.evaluation.scores import score_table, summarise_scores
from inspire_med.reports.report import Picture, Report, report_html

NAN, INF = float("nan"), float("inf")
VOID = ("meta", "link", "img", "input", "br")

CASES = [
    CaseScores(
        name,
        {region: RegionResult({"dice": dice, "hd95_mm": distance}) for region in ("WT", "<ET>")},
    )
    for name, dice, distance in (("a", 0.5, 4.0), ("b&c", 0.0, INF))
]


class Reader(HTMLParser):
    """Collects tags that open and close, attributes, and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def values(self, name):
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def of(cases, rules=None, **more):
    rules = rules or protocol("segmentation")
    return Reader(report_html(Report(rules, cases, summarise_scores(score_table(cases)), **more)))


def test_every_tag_of_a_full_report_is_closed_in_order(report):
    assert Reader(report_html(report)).open == []


def test_every_tag_of_a_bare_report_is_closed_in_order():
    assert of(CASES).open == []


def test_nothing_comes_from_elsewhere(report):
    reader = Reader(report_html(report))

    links = [link for name in ("src", "href", "action") for link in reader.values(name)]

    assert links
    assert all(link.startswith(("data:", "#")) for link in links)


def test_every_link_of_the_page_leads_to_a_section(report):
    reader = Reader(report_html(report))

    names = {link.removeprefix("#") for link in reader.values("href") if link.startswith("#")}

    assert names == set(reader.values("id"))
    assert len(names) == 9


def test_sections_without_content_are_left_out():
    reader = of(CASES)

    sections = ["summary", "distributions", "cases", "rules-and-provenance"]
    assert reader.values("id") == sections


def test_names_from_files_are_text_and_never_markup():
    reader = of(CASES, notes=["<script>alert(1)</script>"], provenance={"Run": "a/<b>"})

    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert "<ET>" in reader.text
    assert "b&c" in reader.text
    assert "a/<b>" in reader.text


def test_summary_states_mean_interval_and_how_many_are_undefined():
    text = " ".join(of(CASES).text.split())

    assert "0.250" in text
    assert "0.000 to 0.500" in text
    assert "1 undefined" in text


def test_every_case_and_region_has_a_row_that_sorts_by_value():
    cells = of(CASES).values("data-value")

    assert cells == ["0.5", "4", "0.5", "4", "0", "", "0", ""]  # undefined sorts as nothing


def test_a_measure_some_regions_lack_is_undefined_there():
    cases = [
        CaseScores("a", {"WT": RegionResult({"dice": 0.5}), "ET": RegionResult({"iou": 0.4})}),
        CaseScores("b", {"WT": RegionResult({"dice": 0.6})}),
    ]

    assert of(cases).values("data-value") == ["0.5", "", "", "0.4", "0.6", ""]


def test_pictures_are_embedded():
    reader = of(CASES, pictures=[Picture("best", "a", 0.5, b"\x89PNG", "mean F1")])

    images = [attributes for tag, attributes in reader.tags if tag == "img"]

    assert images[0]["src"] == "data:image/png;base64,iVBORw=="
    assert "a: image" in images[0]["alt"]
    assert "mean F1 0.500" in reader.text


def test_rules_notes_and_provenance_are_printed(report):
    text = Reader(report_html(report)).text

    assert all(line in text for line in report.protocol.policy)
    assert "Left out: z." in text
    assert "3f1c" * 16 in text


def test_one_case_alone_has_no_distributions():
    reader = of(CASES[:1])

    assert "distributions" not in reader.values("id")
    assert "Dice, n = 1" in reader.text


def test_many_regions_have_no_cards():
    regions = {f"organ {number}": RegionResult({"dice": 0.5}) for number in range(9)}

    assert "heads" not in of([CaseScores(name, regions) for name in "ab"]).values("class")


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        (MEASURES, "ml"),
        (in_pixels(MEASURES), "px"),
        ({"dice": MEASURES["dice"]}, "px"),
        ({name: MEASURES[name] for name in ("dice", "volume_difference_ml")}, "ml"),
    ],
)
def test_units_are_those_of_the_measures(measures, expected):
    result = RegionResult({"dice": 0.5}, (Lesion("missed", 3.0, (1.0, 2.0)),), {}, (2.0, 3.0))
    rules = replace(protocol("segmentation"), measures=measures)

    text = of([CaseScores("a", {"x": result})], rules).text

    assert f"Bias 1.00 {expected}" in text
    assert ("Size [mm³]" in text) is (expected == "ml")
    assert ("Size [px]" in text) is (expected == "px")


def test_a_thousand_cases_make_a_page_of_a_few_megabytes():
    lesions = tuple(Lesion("spurious", 1.0 + number, (1.0, 2.0, 3.0)) for number in range(9))
    result = RegionResult(dict.fromkeys(MEASURES, 0.123456789), lesions, {}, (2.0, 3.0))
    regions = dict.fromkeys(("WT", "TC", "ET"), result)
    cases = [CaseScores(f"BraTS-GLI-{number:05d}-000", regions) for number in range(1000)]

    rules = protocol("segmentation")
    page = report_html(Report(rules, cases, summarise_scores(score_table(cases[:2]))))

    assert len(page) < 4e6
    assert "2,000 of 27,000 lesions" in page
