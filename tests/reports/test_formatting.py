import pytest

from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.reports.formatting import amount, in_cell, mean_of, tick_text, titled

LESIONS = Measure("Lesions", "count", "low")


def test_a_count_is_whole_in_a_cell_and_broken_as_a_mean():
    assert in_cell(LESIONS, 3.0) == "3"
    assert LESIONS.written(3.5) == "3.50"
    assert in_cell(LESIONS, float("nan")) == "–"
    assert in_cell(MEASURES["dice"], 0.5) == "0.500"


def test_units_stand_behind_titles_but_a_count_has_none():
    assert titled(MEASURES["hd95_mm"]) == "HD95 [mm]"
    assert titled(MEASURES["dice"]) == "Dice"
    assert titled(LESIONS) == "Lesions"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0.1234, "0.123 ml"),
        (0.0, "0 ml"),
        (-0.0001, "0 ml"),
        (1.234, "1.23 ml"),
        (-12.34, "−12.3 ml"),
        (123.4, "123 ml"),
        (4310.4, "4,310 ml"),
    ],
)
def test_sizes_have_three_digits_that_count(size, text):
    assert amount(size, "ml") == text


def test_ticks_are_short():
    assert [tick_text(tick) for tick in (0.25, -20.0, 1e6, 0.001)] == [
        "0.25",
        "−20",
        "1,000,000",
        "0.001",
    ]


def test_a_mean_is_not_said_twice():
    assert mean_of("Dice") == "mean Dice"
    assert mean_of("Mean Dice") == "Mean Dice"
