import pytest

from inspire_med.errors import InputError
from inspire_med.training.budget import Budget, parse_duration


def test_the_budget_that_ends_first_counts():
    budget = Budget(max_steps=100, max_time_s=50.0)

    assert budget.spent(10, 20.0) == pytest.approx(0.4)  # time: 20 of 50 s
    assert budget.spent(90, 20.0) == pytest.approx(0.9)  # steps: 90 of 100
    assert budget.spent(10, 80.0) == 1.0


def test_a_budget_needs_a_limit():
    with pytest.raises(InputError, match="give --max_steps or --max_time"):
        Budget(None, None)


def test_a_budget_needs_a_step():
    with pytest.raises(InputError, match="--max_steps: 0 is not positive"):
        Budget(0, None)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("25m", 1500), ("6h", 21600), ("1h30m", 5400), ("1d", 86400)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "25", "m", "25 m", "-3m", "1h x"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InputError, match="--max_time: .* is not a duration; write"):
        parse_duration(text)


def test_no_time_at_all_is_refused():
    with pytest.raises(InputError, match="is no time at all"):
        parse_duration("0m")


@pytest.mark.parametrize(
    ("limits", "left_s"),
    [
        ((1000, None), 600 * 0.5 + 45),  # 600 steps of half a second and three validations of 15 s
        ((None, 500.0), 500 - 260),
        ((1000, 500.0), 240),  # the time ends first
        ((1000, 5000.0), 345),
        ((300, None), 45),  # the last validation of a run whose steps are done
        ((None, 100.0), 0),
    ],
)
def test_what_is_left_counts_steps_and_validations_or_the_time(limits, left_s):
    budget = Budget(*limits)
    assert budget.left_s(400, 260.0, step_s=0.5, validations_s=3 * 15.0) == left_s
