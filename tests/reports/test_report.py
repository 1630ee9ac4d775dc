from dataclasses import replace

import numpy as np
import pytest
from html_reader import Reader

from inspire_med.evaluation.measures.measure import MEASURES, in_pixels
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.result import CaseScores, Lesion, RegionResult
from inspire_med.evaluation.scores import score_table, summarise_scores
from inspire_med.reports.pictures import Picture
from inspire_med.reports.report import Report, report_html
from inspire_med.viz.panels import Panel

NAN, INF = float("nan"), float("inf")

CASES = [
    CaseScores(
        name,
        {region: RegionResult({"dice": dice, "hd95_mm": distance}) for region in ("WT", "<ET>")},
    )
    for name, dice, distance in (("a", 0.5, 4.0), ("b&c", 0.0, INF))
]


def page_of(cases, rules=None, **more):
    rules = rules or protocol("segmentation")
    return report_html(Report(rules, cases, summarise_scores(score_table(cases)), **more))


def of(cases, rules=None, **more):
    return Reader(page_of(cases, rules, **more))


def test_every_tag_of_a_full_report_is_closed_in_order(page):
    assert Reader(page).open == []


def test_every_tag_of_a_bare_report_is_closed_in_order():
    assert of(CASES).open == []


def test_nothing_comes_from_elsewhere(page):
    reader = Reader(page)

    links = [link for name in ("src", "href", "action") for link in reader.values(name)]

    assert links
    assert all(link.startswith(("data:", "#")) for link in links)


def test_every_link_of_the_page_leads_to_a_section(page):
    reader = Reader(page)

    links = [at["href"] for tag, at in reader.tags if tag == "a"]
    sections = [at["id"] for tag, at in reader.tags if tag == "section"]

    assert links == [f"#{name}" for name in sections]
    assert len(sections) == 9
    names = reader.values("id")
    assert len(names) == len(set(names))


def test_sections_without_content_are_left_out():
    reader = of(CASES)

    sections = ["summary", "distributions", "cases", "rules-and-provenance"]
    assert [at["id"] for tag, at in reader.tags if tag == "section"] == sections


def test_names_from_files_are_text_and_never_markup():
    reader = of(CASES, notes=["<script>alert(1)</script>"], provenance={"Run": "a/<b>"})

    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert "<ET>" in reader.text
    assert "b&c" in reader.text
    assert "a/<b>" in reader.text


def test_regions_are_spelt_out_where_there_are_words_for_them(page, section):
    assert "enhancing tumour (ET)" in section(page, "summary").text
    assert '<div class="name">enhancing tumour (ET)</div>' in page
    assert "enhancing" not in section(page, "cases").text


def test_a_case_named_as_a_script_is_text_in_tables_charts_and_pictures():
    name = "<script>alert(1)</script>"
    result = RegionResult({"dice": 0.5}, (Lesion("missed", 3.0, (1.0, 2.0)),), {}, (2.0, 3.0))
    cases = [CaseScores(each, {"x": result}) for each in (name, "b")]
    panel = Panel("image", np.full((40, 30, 3), 9, dtype=np.uint8), "RALP", "")

    reader = of(cases, pictures=[Picture("all", name, 0.5, [panel])])

    assert [tag for tag, _ in reader.tags].count("script") == 1
    # a dot in each of three charts, a picture's title, rows of lesions and of cases
    assert reader.text.count(name) == 3 + 1 + 1 + 1
    assert f"{name}: image" in reader.values("aria-label")


def test_summary_states_mean_interval_and_how_many_are_undefined():
    text = " ".join(of(CASES).text.split())

    assert "0.250" in text
    assert "0.000 to 0.500" in text
    assert "1 undefined" in text


def test_few_cases_are_said_beside_every_number_of_them(section):
    page = page_of(CASES)

    few = "n = 2: too few, the interval is too narrow"
    assert f"0.000 to 0.500 {few}" in section(page, "summary").text
    assert f"95 % CI 0.000 to 0.500 median 0.250, {few}" in " ".join(Reader(page).text.split())
    many = [CaseScores(f"c{at}", CASES[0].regions) for at in range(10)]
    assert "too few, the interval" not in section(page_of(many), "summary").text


def test_every_case_and_region_has_a_row_that_sorts_by_value():
    cells = of(CASES).values("data-value")  # of the cases

    assert cells == ["0.5", "4", "0.5", "4", "0", "", "0", ""]  # undefined sorts as nothing


def test_a_measure_some_regions_lack_is_undefined_there():
    cases = [
        CaseScores("a", {"WT": RegionResult({"dice": 0.5}), "ET": RegionResult({"iou": 0.4})}),
        CaseScores("b", {"WT": RegionResult({"dice": 0.6})}),
    ]

    assert of(cases).values("data-value") == ["0.5", "", "", "0.4", "0.6", ""]


def test_every_picture_is_embedded_and_marked(section):
    panels = [
        Panel(name, np.full((40, 30, 3), 9, dtype=np.uint8), "RALP", "axial slice k = 7")
        for name in ("t1ce", "reference", "prediction", "errors")
    ]
    picture = Picture("best", "a<b", 0.5, panels, "mean F1")

    page = page_of(CASES, pictures=[picture], words={"t1ce": "T1 with contrast"})
    found = section(page, "pictures")

    assert "a<b mean F1 0.500 · axial slice k = 7" in found.text
    assert "found missed spurious" in found.text
    assert [chart.name for chart in found.drawings] == [f"a<b: {panel.name}" for panel in panels]
    for chart in found.drawings:
        assert set(chart.words) == {"R", "A", "L", "P"}
        (image,) = chart.root.iter("{http://www.w3.org/2000/svg}image")
        assert image.get("href").startswith("data:image/png;base64,iVBOR")
    assert "T1 with contrast (t1ce) R A L P reference" in found.text


def test_a_picture_of_an_image_claims_no_side_and_no_slice(section):
    panel = Panel("image", np.full((40, 30, 3), 9, dtype=np.uint8), "", "")
    words = in_pixels(MEASURES)
    rules = replace(protocol("segmentation"), measures=words)

    found = section(page_of(CASES, rules, pictures=[Picture("all", "a", 0.5, [panel])]), "pictures")

    assert "slice" not in found.text
    assert "right" not in found.text
    assert found.drawings[0].words == {}


def test_rules_notes_and_provenance_are_printed(report, page):
    text = Reader(page).text

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


@pytest.mark.slow
def test_a_thousand_cases_make_a_page_of_a_few_megabytes():
    lesions = tuple(Lesion("spurious", 1.0 + number, (1.0, 2.0, 3.0)) for number in range(9))
    result = RegionResult(dict.fromkeys(MEASURES, 0.123456789), lesions, {}, (2.0, 3.0))
    regions = dict.fromkeys(("WT", "TC", "ET"), result)
    cases = [CaseScores(f"BraTS-GLI-{number:05d}-000", regions) for number in range(1000)]

    rules = protocol("segmentation")
    page = report_html(Report(rules, cases, summarise_scores(score_table(cases[:2]))))

    assert len(page) < 4e6
    assert "2,000 of 27,000 lesions" in page
