import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.reports.axes import Axis, measure_axis, round_axis, size_axis

LESIONS = Measure("Spurious lesions", "count", "low")
DICE, HD95, VOLUME = (MEASURES[name] for name in ("dice", "hd95_mm", "volume_difference_ml"))


def test_an_even_axis_places_by_difference():
    assert Axis((0.0, 5.0, 20.0)).share(5.0) == 0.25


def test_an_axis_by_decades_places_by_factor():
    assert Axis((1.0, 10.0, 100.0), by_decades=True).share(10.0) == pytest.approx(0.5)


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
def test_the_axis_holds_all_values_between_round_ends(values, measure, expected):
    ticks = measure_axis(values, measure).ticks

    assert (ticks[0], ticks[-1]) == expected
    assert len(ticks) <= 7


@pytest.mark.parametrize(
    ("sizes", "ticks", "by_decades"),
    [
        ([0.5, 30.0], (0, 10, 20, 30), False),
        ([0.5, 50.1], (0.1, 1, 10, 100), True),  # more than a hundredfold
        ([0.5, 50.0], (0, 10, 20, 30, 40, 50), False),
        ([7.0], (0, 2, 4, 6, 8), False),
        ([], (0, 0.2, 0.4, 0.6, 0.8, 1.0), False),
    ],
)
def test_sizes_that_span_more_than_two_decades_stand_by_decades(sizes, ticks, by_decades):
    found = size_axis(sizes)

    assert found.ticks == pytest.approx(ticks)
    assert found.by_decades is by_decades


def test_whole_axes_have_whole_ticks():
    assert round_axis([2.0], whole=True).ticks == (0, 1, 2)
    assert round_axis([2.0]).ticks == (0, 0.5, 1, 1.5, 2)


def test_rounding_errors_are_not_drawn_large():
    assert round_axis([1e-13, 0.0]).ticks[-1] == 1.0


@given(st.lists(st.floats(1e-3, 1e6), min_size=1))
def test_every_size_lies_on_its_axis(sizes):
    found = size_axis(sizes)

    assert all(-1e-9 <= found.share(size) <= 1 + 1e-9 for size in sizes)


@given(st.lists(st.floats(-1e6, 1e6)))
def test_even_axes_hold_zero_and_all_values_with_few_rising_ticks(values):
    ticks = round_axis(values).ticks

    assert ticks[0] <= min([0.0, *values]) + 1e-9
    assert ticks[-1] >= max([0.0, *values]) - 1e-9
    assert list(ticks) == sorted(set(ticks))
    assert 2 <= len(ticks) <= 8
