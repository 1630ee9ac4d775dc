"""What stands on the page of `predict --doubt`."""

import pytest
from html_reader import Reader

from inspire_med.inference.doubt import Doubt, LesionDoubt
from inspire_med.inference.postprocess import RegionRules
from inspire_med.reports.doubt_page import CaseDoubt, doubt_html

CASES = [
    CaseDoubt(
        "sure", {"WT": 0.95, "ET": 0.85}, [("WT", LesionDoubt((3.0, 4.25, 5.0), 12.345, 0.97))]
    ),
    CaseDoubt(
        "<b>",
        {"WT": 0.6, "ET": 0.2},
        [
            ("WT", LesionDoubt((1.0, 2.0, 3.0), 0.5, 0.7)),
            ("ET", LesionDoubt((1.0, 2.0, 3.0), 0.02, 0.55)),
        ],
    ),
    CaseDoubt("empty", {"WT": 1.0, "ET": 1.0}, []),
]
MEASURED = {
    "wrong_below_dice": 0.7,
    "referred": {"n": 3, "wrong": 2, "share": 2 / 3, "ci95": [0.208, 0.939]},
    "others": {"n": 8, "wrong": 1, "share": 0.125, "ci95": [0.022, 0.471]},
}
KNOWN = Doubt(1.5, 0.0, 0.5, {}, MEASURED)


def page_of(cases=CASES, doubt=KNOWN, limit=0.5):
    return doubt_html(cases, doubt, limit, "ml", {"Masks": "out"})


def stand_so(rows: list[str], text: str) -> bool:
    """Whether all stand there, in this order."""
    places = [text.index(row) for row in rows]
    return places == sorted(places)


def test_it_is_whole_and_needs_nothing_from_elsewhere():
    reader = Reader(page_of())

    assert reader.open == []
    links = [link for name in ("src", "href", "action") for link in reader.values(name)]
    assert all(link.startswith(("data:", "#")) for link in links)


def test_names_of_cases_are_text():
    page = page_of()

    assert "<b>," not in page
    assert '<td class="text ">&lt;b&gt;' in page


def test_the_least_sure_stand_first_with_who_should_look(section):
    found = section(page_of(), "cases").text

    rows = [
        "<b> yes 0.400 0.600 0.200 2 0.550",
        "sure no 0.900 0.950 0.850 1 0.970",
        "empty no 1.000 1.000 1.000 0 –",
    ]
    assert stand_so(rows, found)


def test_who_should_look_is_said_with_how_often_that_was_right(section):
    found = section(page_of(), "findings").text

    assert "1 of 3 cases a person should look at: <b>." in found
    assert (
        "Dice was below 0.7 in 2 of 3 below the limit (95 % CI 21% to 94%) and 1 of 8 others "
        "(95 % CI 2% to 47%)." in found
    )


def test_where_all_are_sure_it_is_said(section):
    assert "None of 1 case lies below the limit" in section(page_of(CASES[2:]), "findings").text


def test_where_nothing_was_measured_nothing_is_claimed(section):
    found = section(page_of(doubt=Doubt(1.5, 0.0, 0.5)), "findings").text

    assert "1 of 3 cases" in found
    assert "tried" not in found


@pytest.mark.parametrize(
    ("doubt", "words"),
    [
        (Doubt(), "No limit of confidence is known: tune finds one"),
        (
            Doubt(1.5, 0.0, 0.5, {"ET": RegionRules(0.4)}, MEASURED),
            "The limit of confidence was found with other rules of postprocessing: predict with",
        ),
    ],
)
def test_without_a_limit_nobody_is_named(section, doubt, words):
    page = page_of(doubt=doubt, limit=None)

    found = section(page, "findings").text
    assert "Nobody is named to look at" in found
    assert words in found
    assert "95 % CI" not in found
    assert "yes" not in section(page, "cases").text


def test_lesions_stand_least_sure_first(section):
    found = section(page_of(), "lesions").text

    rows = [
        "<b> ET 1.0 2.0 3.0 0.02 0.550",
        "<b> WT 1.0 2.0 3.0 0.5 0.700",
        "sure WT 3.0 4.2 5.0 12.35 0.970",
    ]
    assert stand_so(rows, found)


def test_of_too_many_lesions_the_surest_are_left_to_the_table(section):
    lesions = [("WT", LesionDoubt((n, 0.0, 0.0), 1.0, n / 2005)) for n in range(2005)]

    found = section(page_of([CaseDoubt("a", {"WT": 0.5}, lesions)]), "lesions").text

    assert "5 surer ones are in lesions.csv" in found
    assert "a WT 1999.0 0.0 0.0 1 0.997" in found
    assert "2000.0" not in found


def test_every_case_is_a_dot_a_region(section):
    (chart,) = section(page_of(), "confidence").drawings

    assert chart.dots.keys() == {
        *("sure: 0.950", "sure: 0.850", "<b>: 0.600", "<b>: 0.200"),
        "empty: 1.000",  # in both rows
    }
    assert section(page_of(CASES[:1]), "confidence").drawings == []


def test_one_region_has_one_column(section):
    found = section(page_of([CaseDoubt("a", {"polyp": 0.25}, [])]), "cases").text

    assert "a yes 0.250 0 –" in found


def test_cases_without_any_lesion_have_no_table_of_them(section):
    assert section(page_of(CASES[2:]), "lesions").text == ""
