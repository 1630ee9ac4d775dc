"""What stands on the page of `tune`."""

from dataclasses import replace

import numpy as np
import pytest
from html_reader import Reader

from inspire_med.evaluation.protocols import protocol
from inspire_med.inference.doubt import Calibration
from inspire_med.inference.postprocess import Postprocessing, RegionRules
from inspire_med.reports.doubt_charts import (
    calibration_chart,
    confidence_chart,
    risk_coverage_chart,
)
from inspire_med.reports.tuning_page import Tuning, tuning_html
from inspire_med.tuning.calibration import Histogram, Said
from inspire_med.tuning.doubt_search import DoubtSearch
from inspire_med.tuning.referral import Outcome, Referral
from inspire_med.tuning.rule_search import Measure, RuleSearch

JUDGED = (Outcome("a", 0.9, 0.8), Outcome("<b>", 0.3, 0.2), Outcome("c", 0.6, 0.75))
REFERRAL = Referral(0.5, JUDGED, (False, True, False))


def tried(region, rule, value, gain, *, kept=False):
    return {
        "region": region,
        "rule": rule,
        "value": value,
        "measure": "lesionwise_dice",
        "gain": gain,
        "ci95": [gain - 0.02, gain + 0.02],
        "n": 3,
        "p": 0.0004 if kept else 0.25,
        "kept": kept,
    }


FOUND = (
    tried("WT", "threshold", 0.4, 0.01),
    tried("ET", "fill_holes", True, -0.01),
    tried("ET", "smallest_total", 0.2, 0.05, kept=True),
    tried("WT", "smallest_total", None, 0.0),
)


@pytest.fixture(scope="module")
def tuning():
    before = np.array([[0.8, 0.4], [0.6, 0.0], [0.7, 0.2]])
    after = before + np.array([0.0, 0.1])
    rules = Postprocessing({"ET": RegionRules(smallest_total=0.2)}, FOUND)
    said = np.array([0.05] * 4 + [0.95] * 2, np.float32)
    true = np.array([False, False, False, True, True, False])
    measure = Measure.of(protocol("brats2023-gli"))
    return Tuning(
        RuleSearch(rules, measure, before, after),
        DoubtSearch(
            Calibration(1.62),
            Said(Histogram.of(true, said)),
            [Said(Histogram.of(true, said), Calibration(1.62))],
            REFERRAL,
            rules,
        ),
        folds={"a": 0, "<b>": 1, "c": 0},
        regions=("WT", "ET"),
        unit="ml",
        words={"ET": "enhancing tumour"},
        provenance={"Predictions": "cv/predictions"},
    )


@pytest.fixture(scope="module")
def page(tuning):
    return tuning_html(tuning)


def test_it_is_whole_and_needs_nothing_from_elsewhere(page):
    reader = Reader(page)

    links = [link for name in ("src", "href", "action") for link in reader.values(name)]

    assert reader.open == []
    assert all(link.startswith(("data:", "#")) for link in links)
    names = reader.values("id")
    assert len(names) == len(set(names))


def test_names_of_cases_are_text(page):
    assert "<b>, " not in page
    assert page.count("&lt;b&gt;") == 3  # in the table, at its dot and at its line


def test_the_measure_stands_before_and_after_the_kept_rules(page, section):
    found = section(page, "scores").text

    assert "WT 0.700 0.600 to" in found
    assert "enhancing tumour (ET) 0.200 0.000 to" in found
    assert "0.300 0.100 to" in found
    assert "mean over regions 0.450" in found
    assert "n = 3: too few, the interval is too narrow" in found
    # A line a case, of the one region that changes.
    (chart,) = section(page, "scores").drawings
    assert {"before", "after"} <= chart.words.keys()


def test_every_rule_that_was_tried_is_listed(page, section):
    found = section(page, "rules-tried").text

    assert "WT threshold 0.4 +0.010 −0.010 to +0.030 0.25 3 no" in found
    assert "ET fill holes yes −0.010 −0.030 to +0.010 0.25 3 no" in found
    assert "ET smallest total 0.2 ml +0.050 +0.030 to +0.070 < 0.001 3 yes" in found
    assert "WT smallest total none helps 0.000 −0.020 to +0.020 0.25 3 no" in found


def test_what_was_found_is_said_in_sentences(page, section):
    found = section(page, "findings").text

    assert "Kept: smallest total of ET, 0.2 ml: Lesion-wise Dice +0.050 (95 % CI" in found
    assert "Temperature 1.62, bias +0.00: the network is too sure of itself." in found
    assert "Below the limit of confidence 1 of 1 case had a mean Dice below 0.7" in found
    assert "above it 0 of 2 cases had a mean Dice below 0.7 (95 % CI 0% to 66%)" in found
    # Risks of the surest: 0.2, 0.225, 1.25 / 3; the best order has the same.
    assert (
        "risk-coverage curve 0.281, lower is better: by chance 0.417, by Dice itself 0.281" in found
    )


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        (Calibration(0.8), "the network is not as sure as it could be."),
        (Calibration(1.03, 0.02), "the network is about as sure as it is right."),
        (Calibration(1.0, 0.4), "the network says too much where it is in doubt."),
        (Calibration(2.0, -0.4), "is too sure of itself and says too little where it is in doubt."),
    ],
)
def test_a_calibration_is_said_in_words(tuning, section, calibration, words):
    other = replace(tuning, doubt=replace(tuning.doubt, calibration=calibration))

    assert words in section(tuning_html(other), "findings").text


def test_cases_stand_least_sure_first_with_who_should_look(page, section):
    found = section(page, "cases-to-look-at").text

    rows = ["<b> 1 yes 0.300 0.200", "c 0 no 0.600 0.750", "a 0 no 0.900 0.800"]
    places = [found.index(row) for row in rows]
    assert places == sorted(places)
    assert "0.500" in section(page, "who-should-look").text  # the limit


def test_without_a_kept_rule_nothing_changes_and_that_is_said(tuning, section):
    found = tuple({**each, "kept": False} for each in FOUND)
    search = replace(tuning.search, rules=Postprocessing({}, found), after=tuning.search.before)

    page = tuning_html(replace(tuning, search=search))

    assert "No rule was kept of 4 rules tried" in section(page, "findings").text
    assert "no rule was kept, so nothing changes" in section(page, "scores").text
    assert section(page, "scores").drawings == []


def test_where_nobody_was_referred_it_is_said(tuning, section):
    referral = replace(REFERRAL, below=(False,) * 3)
    page = tuning_html(replace(tuning, doubt=replace(tuning.doubt, referral=referral)))

    assert (
        "Below the limit of confidence there is no case; above it" in section(page, "findings").text
    )


def test_points_of_the_calibration_lie_where_the_ticks_say(drawing):
    said, tempered = {"said": 0.75, "true": 0.5, "voxels": 1200.0}, {"said": 0.5, "true": 0.5}

    chart = drawing(calibration_chart([[said], [{**tempered, "voxels": 1200.0}]]))

    ((left, low), (right, high)) = chart.paths("stroke: var(--soft)")[0]  # from 0, 0 to 1, 1
    x, y = chart.dots["said 0.750, came true 0.500: 1,200 voxels"]
    assert x == pytest.approx(left + 0.75 * (right - left), abs=0.1)
    assert y == pytest.approx((low + high) / 2, abs=0.1)
    x, y = chart.dots["said 0.500, came true 0.500: 1,200 voxels"]
    assert (x, y) == pytest.approx(((left + right) / 2, (low + high) / 2), abs=0.1)


def test_each_case_is_a_dot_of_its_confidence_and_dice(drawing):
    chart = drawing(confidence_chart(REFERRAL))

    assert chart.dots.keys() == {
        "a: 0.900, Dice 0.800",
        "<b>: 0.300, Dice 0.200",
        "c: 0.600, Dice 0.750",
    }
    sure, unsure = chart.dots["a: 0.900, Dice 0.800"], chart.dots["<b>: 0.300, Dice 0.200"]
    assert sure[0] > unsure[0]
    assert sure[1] < unsure[1]  # upwards is less


def test_the_curves_of_risk_end_where_chance_is(drawing):
    """With all cases kept the order does not matter."""
    referral = Referral(0.5, tuple(Outcome(e.id, -e.dice, e.dice) for e in JUDGED), (False,) * 3)

    chart = drawing(risk_coverage_chart(referral))

    ends = [chart.paths(f"stroke: var(--region{number})")[0][-1] for number in range(3)]
    assert ends[0] == ends[1]
    assert ends[2][1] == pytest.approx(ends[0][1], abs=0.02)
    starts = [chart.paths(f"stroke: var(--region{number})")[0][0] for number in (0, 1)]
    assert starts[0][1] < starts[1][1]  # the worst order begins with the most risk


def test_pages_of_many_cases_name_no_dots(tuning):
    judged = tuple(Outcome(f"case{n}", n / 1000, 1 - n / 2000) for n in range(1000))
    doubt = replace(tuning.doubt, referral=Referral(0.5, judged, (False,) * 1000))
    search = replace(tuning.search, before=np.zeros((1000, 2)), after=np.zeros((1000, 2)))

    page = tuning_html(
        replace(tuning, search=search, doubt=doubt, folds=dict.fromkeys((e.id for e in judged), 0))
    )

    assert page.count("case999") == 1  # in the table
    assert len(page) < 600_000


@pytest.mark.slow
def test_a_browser_has_nothing_to_complain_of_and_sorts(page, chromium):
    script = """
      const section = document.querySelector("#cases-to-look-at");
      const heads = [...section.querySelectorAll("th button")];
      heads.find(each => each.textContent === "Confidence").click();
      heads.find(each => each.textContent === "Confidence").click();
      return [...section.querySelectorAll("tbody tr")].map(row => row.cells[0].textContent);
    """

    assert chromium.ask(page, script) == ["a", "c", "<b>"]
