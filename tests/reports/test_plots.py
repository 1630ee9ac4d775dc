import math
import xml.etree.ElementTree as ET

import pytest

from inspire_med.evaluation.measures.measure import MEASURES, Measure, in_pixels
from inspire_med.reports.plots import interval_bar, strip_plot

LESIONS = Measure("Spurious lesions", "count", "low")
DICE, HD95, VOLUME = (MEASURES[name] for name in ("dice", "hd95_mm", "volume_difference_ml"))


def by_class(svg, name):
    return [node for node in ET.fromstring(svg).iter() if node.get("class") == name]


def test_every_defined_case_is_a_dot_with_its_name():
    svg = strip_plot({"WT": {"a": 0.5, "b<": 0.9}, "ET": {"a": math.nan}}, DICE)

    titles = [dot[0].text for dot in by_class(svg, "dot")]

    assert titles == ["a: 0.500", "b<: 0.900"]
    assert "1 undefined" in svg


def test_many_cases_are_one_light_path_without_names():
    svg = strip_plot({"WT": {str(case): case / 1000 for case in range(1000)}}, DICE)

    (path,) = by_class(svg, "many")

    assert path.get("d").count("M") == 1000
    assert not by_class(svg, "dot")
    assert len(svg) < 20000


def test_counts_of_a_case_are_whole_numbers():
    svg = strip_plot({"WT": {"a": 2.0, "b": 1.0}}, LESIONS)

    assert [dot[0].text for dot in by_class(svg, "dot")] == ["a: 2", "b: 1"]
    assert [node.text for node in by_class(svg, "axis")] == ["Spurious lesions"]  # without a unit


def test_the_axis_is_named_with_its_unit():
    assert [node.text for node in by_class(strip_plot({"WT": {"a": 2.0}}, HD95), "axis")] == [
        "HD95 [mm]"
    ]


def test_dots_lie_where_the_ticks_say():
    svg = strip_plot({"WT": {"a": 0.25, "b": 1.0}}, DICE)

    ticks = {node.text: float(node.get("x")) for node in by_class(svg, "tick")}
    dots = [float(dot.get("cx")) for dot in by_class(svg, "dot")]

    assert dots == [ticks["0.25"], ticks["1"]]


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
