import numpy as np
import pytest

from inspire_med.tuning.choice import choose

FOLDS = np.repeat([0, 1], 4)


def test_the_value_that_is_best_over_all_is_chosen():
    before = np.full(8, 0.5)
    table = np.array([[0.6] * 8, [0.8] * 4 + [0.7] * 4])

    choice = choose(before, table, FOLDS)

    assert choice.index == 1
    assert choice.gain == pytest.approx(0.25)
    assert choice.n == 8
    assert choice.helps(1)


def test_the_gain_is_measured_where_the_value_was_not_chosen():
    """Fold 1 alone gains by the first value, so fold 0 would choose none, and fold 1 the second."""
    before = np.zeros(8)
    table = np.array([[-0.1] * 4 + [0.4] * 4, [0.1] * 4 + [-0.2] * 4])

    choice = choose(before, table, FOLDS)

    # Fold 0 is scored by what fold 1 chose (the first), fold 1 by what fold 0 chose (the second).
    assert choice.gain == pytest.approx((-0.1 - 0.2) / 2)
    assert choice.index == 0  # over all cases
    assert not choice.helps(1)


def test_no_change_is_kept_where_nothing_is_better():
    before = np.full(6, 0.5)
    table = np.array([before, before - 0.1])

    choice = choose(before, table, np.arange(6) // 2)

    assert choice.index is None
    assert choice.gain == 0
    assert not choice.helps(1)


def test_chance_is_no_help():
    """Values that differ by noise alone: of a hundred searches of 15 tries few keep anything."""
    draws = np.random.default_rng(0)
    kept = 0
    for _ in range(300):
        before, table = draws.normal(size=20), draws.normal(size=(7, 20))
        kept += choose(before, table, np.arange(20) // 4).helps(15)

    assert kept <= 4  # 1 expected; of 300 single tries


@pytest.mark.parametrize(
    ("cases", "tries", "helps"),
    [(5, 1, False), (6, 1, True), (6, 15, False), (11, 15, True)],
)
def test_the_fewer_cases_and_the_more_tries_the_less_is_believed(cases, tries, helps):
    """Of n cases that all gain, p is 2 / 2^n: 0.031 of 6, 0.001 of 11."""
    gains = np.linspace(0.1, 0.2, cases)

    choice = choose(np.zeros(cases), gains[None], np.arange(cases))

    assert choice.helps(tries) == helps
