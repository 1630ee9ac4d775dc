import math
import xml.etree.ElementTree as ET

import pytest

from inspire_med.evaluation.measures.words import MEASURES, in_pixels
from inspire_med.evaluation.report.plots import axis, interval_bar, strip_plot

DICE, HD95, VOLUME = (MEASURES[name] for name in ("dice", "hd95_mm", "volume_difference_ml"))


def by_class(svg, name):
    return [node for node in ET.fromstring(svg).iter() if node.get("class") == name]


def test_every_defined_case_is_a_dot_with_its_name():
    svg = strip_plot({"WT": {"a": 0.5, "b<": 0.9}, "ET": {"a": math.nan}}, DICE)

    titles = [dot[0].text for dot in by_class(svg, "dot")]

    assert titles == ["a: 0.500", "b<: 0.900"]
    assert "1 undefined" in svg


def test_dots_lie_where_the_ticks_say():
    svg = strip_plot({"WT": {"a": 0.25, "b": 1.0}}, DICE)

    ticks = {node.text: float(node.get("x")) for node in by_class(svg, "tick")}
    dots = [float(dot.get("cx")) for dot in by_class(svg, "dot")]

    assert dots == [ticks["0.25"], ticks["1"]]


@pytest.mark.parametrize(
    ("values", "measure", "expected"),
    [
        ([0.9, 0.99], DICE, (0.0, 1.0)),  # ratios always show their whole range
        ([3.0, 17.0], HD95, (0.0, 20.0)),  # distances begin at 0
        ([-3.0, 1.0], VOLUME, (-3.0, 1.0)),
        ([], HD95, (0.0, 1.0)),
        ([0.0], HD95, (0.0, 1.0)),
    ],
)
def test_the_axis_holds_all_values_between_round_ends(values, measure, expected):
    low, high, ticks = axis(values, measure)

    assert (low, high) == expected
    assert (ticks[0], ticks[-1]) == expected
    assert len(ticks) <= 7


def test_the_interval_bar_is_drawn_only_where_there_is_one():
    assert "ci" in interval_bar(0.5, (0.4, 0.6), 0, 1)
    assert not by_class(interval_bar(0.5, None, 0, 1), "ci")


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        (DICE, 0.12345, "0.123"),
        (HD95, 7.8, "7.80"),
        (VOLUME, -1.234, "−1.23"),
        (VOLUME, -0.001, "0.00"),
        (HD95, math.inf, "–"),
        (DICE, None, "–"),
    ],
)
def test_values_are_written_with_the_digits_that_mean_something(measure, value, text):
    assert measure.written(value) == text


def test_flat_images_are_measured_in_pixels():
    found = in_pixels(MEASURES)

    assert found["hd95_mm"].unit == "px"
    assert found["nsd@1mm"].title == "NSD @ 1 px"
    assert found["dice"] == MEASURES["dice"]
