import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from inspire_med.evaluation.measures.measure import MEASURES, Measure, in_pixels
from inspire_med.reports import charts
from inspire_med.reports.charts import (
    Dot,
    agreement_chart,
    curve_chart,
    measure_ticks,
    round_ticks,
    size_chart,
    strip_chart,
)

LESIONS = Measure("Spurious lesions", "count", "low")
DICE, HD95, VOLUME = (MEASURES[name] for name in ("dice", "hd95_mm", "volume_difference_ml"))


def test_every_defined_case_is_a_dot_with_its_name(drawing):
    chart = drawing(strip_chart({"WT": {"a": 0.5, "b<": 0.9}, "ET": {"a": math.nan}}, DICE))

    assert list(chart.dots) == ["a: 0.500", "b<: 0.900"]
    assert "1 undefined" in chart.words


def test_many_cases_are_one_light_path_without_names(drawing):
    svg = strip_chart({"WT": {str(case): case / 1000 for case in range(1000)}}, DICE)

    (crowd,) = drawing(svg).paths("stroke-linecap: round")

    assert len(crowd) == 2 * 1000
    assert not drawing(svg).dots
    assert len(svg) < 40000


def test_counts_of_a_case_are_whole_numbers(drawing):
    chart = drawing(strip_chart({"WT": {"a": 2.0, "b": 1.0}}, LESIONS))

    assert list(chart.dots) == ["a: 2", "b: 1"]
    assert "Spurious lesions" in chart.words  # without a unit


def test_the_axis_is_named_with_its_unit(drawing):
    assert "HD95 [mm]" in drawing(strip_chart({"WT": {"a": 2.0}}, HD95)).words


def test_dots_lie_where_the_ticks_say(drawing):
    chart = drawing(strip_chart({"WT": {"a": 0.25, "b": 1.0}}, DICE))

    assert [x for x, _ in chart.dots.values()] == [chart.words["0.25"][0], chart.words["1"][0]]


def test_a_chart_is_the_same_each_time_and_shares_no_name_with_others():
    values = {"WT": {"a": 0.25, "b": 1.0}}

    first, again, other = (
        strip_chart(values, DICE),
        strip_chart(values, DICE),
        strip_chart(values, HD95),
    )

    names = set(re.findall(r'id="(\w+)"', first))
    assert first == again
    assert names
    assert not names & set(re.findall(r'id="(\w+)"', other))


def test_colours_are_the_pages_own():
    svg = strip_chart({name: {"a": 0.25, "b": 1.0} for name in "xyz"}, DICE)

    colours = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", svg)) - {"none"}

    assert colours == {
        f"var(--{name})"
        for name in ("ink", "soft", "line", "card", "region0", "region1", "region2")
    }
    assert "font-family" not in svg


LONG = "a long name of a region that no chart has the room for"
DOTS = [Dot(1.0, -123456.0, "a"), Dot(1e6, 0.25, "b")]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: strip_chart({name: {"a": 0.1, "b": math.nan} for name in ("WT", LONG)}, DICE),
        lambda: strip_chart({"W": {"a": -12345.0, "b": 1e6}}, VOLUME),
        lambda: agreement_chart(DOTS, -5e4, (-2e5, 1e5), "ml", "agreement", 0),
        lambda: agreement_chart([Dot(0.1, 1e-5, "a")], 1e-5, (), "ml", "agreement", 0),
        lambda: size_chart(DOTS, HD95, "px", "sizes", 7),
        lambda: curve_chart({0: np.linspace(0, 1, 256)}, "Weighted F-measure with a long title"),
    ],
)
def test_words_of_a_chart_neither_overlap_nor_leave_it(draw, monkeypatch):
    drawn: list[Figure] = []
    monkeypatch.setattr(charts, "inline_svg", lambda figure, *_: drawn.append(figure))

    draw()

    (axes,) = drawn[0].axes
    words = [axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]
    drawn[0].draw_without_rendering()
    boxes = [word.get_window_extent() for word in words if word.get_text()]
    width, height = drawn[0].bbox.size
    for number, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= width, words[number]
        assert 0 <= box.y0 < box.y1 <= height, words[number]
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert not box.overlaps(axes.get_window_extent())


@pytest.mark.parametrize(
    ("values", "measure", "expected"),
    [
        ([0.9, 0.99], DICE, (0.0, 1.0)),  # ratios always show their whole range
        ([3.0, 17.0], HD95, (0.0, 20.0)),  # distances begin at 0
        ([-3.0, 1.0], VOLUME, (-3.0, 1.0)),
        ([], HD95, (0.0, 1.0)),
        ([0.0], HD95, (0.0, 1.0)),
        ([2.0], LESIONS, (0.0, 2.0)),  # steps of whole lesions
    ],
)
def test_ticks_hold_all_values_between_round_ends(values, measure, expected):
    ticks = measure_ticks(values, measure)

    assert (ticks[0], ticks[-1]) == expected
    assert len(ticks) <= 7


def test_counts_have_whole_ticks():
    assert round_ticks([2.0], whole=True) == [0, 1, 2]
    assert round_ticks([2.0]) == [0, 0.5, 1, 1.5, 2]


def test_rounding_errors_are_not_drawn_large():
    assert round_ticks([1e-13, 0.0])[-1] == 1.0


@given(st.lists(st.floats(-1e6, 1e6)))
def test_ticks_hold_zero_and_all_values_and_are_few_and_rising(values):
    ticks = round_ticks(values)

    low, high = min([0.0, *values]), max([0.0, *values])
    unseen = 1e-9 * max(1.0, high - low)
    assert ticks[0] <= low + unseen
    assert ticks[-1] >= high - unseen
    assert list(ticks) == sorted(set(ticks))
    assert 2 <= len(ticks) <= 8


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
