import math
import re
import xml.etree.ElementTree as ET

from inspire_med.evaluation.measures.measure import MEASURES
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.scores import score_table
from inspire_med.reports.sizes_section import sizes_section


def section(*cases, unit="ml", measure="dice"):
    """Of one region, from (reference, prediction, score) of each case."""
    scored = [
        CaseScores(name, {"WT": RegionResult({measure: score}, sizes=(reference, prediction))})
        for name, (reference, prediction, score) in zip("abcdefgh", cases, strict=False)
    ]
    return sizes_section(scored, score_table(scored), MEASURES, unit)


def words(page):
    return " ".join(re.sub("<[^>]*>", "", page).split())


def charts(page):
    return [ET.fromstring(svg) for svg in re.findall("<svg.*?</svg>", page, flags=re.DOTALL)]


def by_class(chart, name):
    return [node for node in chart.iter() if node.get("class") == name]


def test_bias_and_limits_stand_in_words():
    page = section((10.0, 11.0, 0.8), (20.0, 23.0, 0.8), (30.0, 32.0, 0.8))

    assert "Bias 2.00 ml, limits of agreement 0.040 ml to 3.96 ml, n = 3." in words(page)


def test_lines_lie_where_the_axis_says():
    agreement, _ = charts(section((10.0, 8.0, 0.8), (20.0, 22.0, 0.8)))  # bias 0, limits -+ 5.54

    (bias,), (zero,) = by_class(agreement, "bias"), by_class(agreement, "zero")
    limits = sorted(float(line.get("y1")) for line in by_class(agreement, "limit"))

    assert bias.get("y1") == zero.get("y1")
    assert limits[0] < float(bias.get("y1")) < limits[1]


def test_a_dot_is_a_case_at_its_mean_and_difference():
    agreement, by_size = charts(section((4.0, 8.0, 0.5), (8.0, 8.0, 0.75)))

    (first, second), (third, _) = by_class(agreement, "dot"), by_class(by_size, "dot")

    assert [first[0].text, second[0].text] == ["a: 4.00 ml", "b: 0 ml"]
    assert float(first.get("cx")) < float(second.get("cx"))  # means 6 and 8
    assert float(first.get("cy")) < float(second.get("cy"))  # differences 4 and 0
    assert third[0].text == "a: 4.00 ml, 0.500"


def test_empty_references_are_counted_aside():
    page = section((10.0, 11.0, 0.8), (0.0, 0.0, 1.0), (0.0, 2.0, 0.0), (5.0, 4.0, 0.7))

    agreement, by_size = charts(page)
    assert len(by_class(agreement, "dot")) == 3
    assert len(by_class(by_size, "dot")) == 2
    assert "n = 3. 1 case where both are empty left out." in words(page)
    assert "2 cases with an empty reference not drawn: 1 predicted empty, 1 not." in words(page)


def test_undefined_scores_are_counted_aside():
    page = section((10.0, 0.0, math.inf), (10.0, 9.0, 2.0), measure="hd95_mm")

    assert len(by_class(charts(page)[1], "dot")) == 1
    assert "1 case drawn. 1 undefined score not drawn." in words(page)


def test_sizes_over_decades_stand_by_decades():
    page = section((0.5, 0.5, 0.5), (400.0, 390.0, 0.9), unit="px")

    ticks = [node.text for node in by_class(charts(page)[1], "tick")]
    names = [node.text for node in by_class(charts(page)[1], "axis")]

    assert ticks[:5] == ["0.1", "1", "10", "100", "1,000"]
    assert names == ["size of the reference [px]", "Dice"]


def test_regions_that_are_empty_everywhere_say_so():
    page = section((0.0, 0.0, 1.0), (0.0, 0.0, 1.0))

    assert charts(page) == []
    assert "No sizes to compare. 2 cases where both are empty left out." in words(page)


def test_one_case_has_a_bias_without_limits():
    assert "Bias −1.00 ml (one case, so no limits)." in words(section((5.0, 4.0, 0.7)))


def test_without_sizes_there_is_no_section():
    assert section((math.nan, math.nan, 0.5)) == ""
