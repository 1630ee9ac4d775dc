import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.evaluation.statistics.holm import holm, least_after_holm


def test_holm_known_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def holm_by_loops(values):
    """Each p times the number of tests not yet passed, never below an earlier one."""
    left = sorted(range(len(values)), key=lambda at: values[at])
    found, least = [0.0] * len(values), 0.0
    while left:
        at = left[0]
        least = max(least, min(1.0, values[at] * len(left)))
        found[at] = least
        left = left[1:]
    return found


probabilities = st.lists(st.floats(0, 1), max_size=12)


@given(probabilities)
def test_holm_is_that_of_loops(values):
    assert holm(values) == holm_by_loops(values)


@given(probabilities)
def test_holm_keeps_the_order_and_never_lowers_p(values):
    adjusted = holm(values)

    assert all(p <= q <= 1 for p, q in zip(values, adjusted, strict=True))
    by_p = [q for _, q in sorted(zip(values, adjusted, strict=True))]
    assert by_p == sorted(by_p)


def test_the_least_of_one_counts_the_others_as_they_are():
    assert least_after_holm([0.5, 0.5, 0.5], [0.01] * 3) == pytest.approx([0.03] * 3)
    # two smaller ones are passed before it; it is never below them
    assert least_after_holm([0.001, 0.002, 0.5], [0.0] * 2 + [0.01])[2] == 0.01
    assert least_after_holm([0.02, 0.5], [0.02, 0.03]) == pytest.approx([0.04, 0.04])
    assert least_after_holm([], []) == []
