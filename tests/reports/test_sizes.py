import math

import pytest

from inspire_med.evaluation.measures.measure import MEASURES, in_pixels
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.reports.sizes import agreement


@pytest.fixture
def sizes(section_of):
    """The section of one region, from (reference, prediction, score) of each case."""

    def make(*cases, measure="dice", measures=MEASURES):
        scored = [
            CaseScores(name, {"WT": RegionResult({measure: score}, sizes=(reference, prediction))})
            for name, (reference, prediction, score) in zip("abcdefgh", cases, strict=False)
        ]
        return section_of("sizes", scored, measures)

    return make


def test_bias_and_limits_by_hand():
    found = agreement([(10.0, 11.0), (20.0, 23.0), (30.0, 32.0)])  # differences 1, 3, 2

    assert found.bias == 2.0
    assert found.limits == pytest.approx((2 - 1.96, 2 + 1.96))  # their deviation is 1
    assert found.n == 3


def test_predictions_that_are_too_large_have_a_positive_bias():
    assert agreement([(1.0, 2.0), (1.0, 2.0)]).bias == 1.0


def test_one_case_has_no_limits():
    assert agreement([(1.0, 4.0)]).limits is None


def test_no_case_has_no_agreement():
    assert agreement([]) is None


def test_equal_sizes_agree_wholly():
    found = agreement([(5.0, 5.0)] * 4)

    assert (found.bias, found.limits) == (0.0, (0.0, 0.0))


def test_bias_and_limits_stand_in_words(sizes):
    found = sizes((10.0, 11.0, 0.8), (20.0, 23.0, 0.8), (30.0, 32.0, 0.8))

    assert "Bias 2.00 ml, limits of agreement 0.040 ml to 3.96 ml, n = 3: too few." in found.text


def test_lines_lie_where_the_axis_says(sizes):
    # differences -2 and 2: bias 0, limits -+ 1.96 * 2.83 = -+ 5.54
    chart = sizes((10.0, 8.0, 0.8), (20.0, 22.0, 0.8)).drawings[0]

    levels = [points[0][1] for points in chart.paths("var(--ink)")]
    low, high = (chart.words[tick][1] for tick in ("−5", "5"))

    bias, *limits = levels
    assert abs(bias - (low + high) / 2) < 5  # words stand a little below their line
    assert limits == pytest.approx(
        [bias + 5.54 * (low - high) / 10, bias - 5.54 * (low - high) / 10], abs=0.1
    )


def test_a_dot_is_a_case_at_its_mean_and_difference(sizes):
    by_mean, by_size = sizes((4.0, 8.0, 0.5), (8.0, 8.0, 0.75)).drawings

    (ax, ay), (bx, by) = by_mean.dots["a: 4.00 ml"], by_mean.dots["b: 0 ml"]

    assert ax < bx  # means 6 and 8
    assert ay < by  # differences 4 and 0
    assert set(by_size.dots) == {"a: 4.00 ml, 0.500", "b: 8.00 ml, 0.750"}


def test_empty_references_are_counted_aside(sizes):
    found = sizes((10.0, 11.0, 0.8), (0.0, 0.0, 1.0), (0.0, 2.0, 0.0), (5.0, 4.0, 0.7))

    assert [len(chart.dots) for chart in found.drawings] == [3, 2]
    assert "n = 3: too few. 1 case where both are empty left out." in found.text
    assert "2 cases with an empty reference not drawn: 1 predicted empty, 1 not." in found.text


def test_undefined_scores_are_counted_aside(sizes):
    found = sizes((10.0, 0.0, math.inf), (10.0, 9.0, 2.0), measure="hd95_mm")

    assert len(found.drawings[1].dots) == 1
    assert "1 case drawn. 1 undefined score not drawn." in found.text


def test_sizes_over_decades_stand_by_decades(sizes):
    chart = sizes((0.5, 0.5, 0.5), (400.0, 390.0, 0.9), measures=in_pixels(MEASURES)).drawings[1]

    first, third, fourth, fifth = (chart.words[tick][0] for tick in ("0.1", "10", "100", "1,000"))

    step = fourth - third
    assert (fifth - fourth, third - first) == pytest.approx((step, 2 * step), abs=0.05)
    assert {"size of the reference [px]", "Dice"} <= set(chart.words)


def test_regions_that_are_empty_everywhere_say_so(sizes):
    found = sizes((0.0, 0.0, 1.0), (0.0, 0.0, 1.0))

    assert found.drawings == []
    assert "No sizes to compare. 2 cases where both are empty left out." in found.text


def test_one_case_has_a_bias_without_limits(sizes):
    assert "Bias −1.00 ml (one case, so no limits)." in sizes((5.0, 4.0, 0.7)).text


def test_without_sizes_there_is_no_section(sizes):
    assert sizes((math.nan, math.nan, 0.5)).html == ""
