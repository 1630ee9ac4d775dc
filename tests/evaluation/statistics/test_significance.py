import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from inspire_med.evaluation.statistics.significance import (
    holm,
    least_after_holm,
    p_value,
    rank_biserial,
    signed_ranks,
)


def ranks_by_loops(gains):
    """Mean rank of each size among all, with the sign."""
    found = []
    for gain in gains:
        below = sum(abs(other) < abs(gain) for other in gains)
        equal = sum(abs(other) == abs(gain) for other in gains)
        sign = (gain > 0) - (gain < 0)
        found.append(sign * (below + (equal + 1) / 2))
    return found


def p_by_every_sign(ranks):
    """Both tails over every pattern of signs."""
    sizes = [abs(rank) for rank in ranks if rank]
    won = sum(rank for rank in ranks if rank > 0)
    sums = [
        sum(size for size, up in zip(sizes, signs, strict=True) if up)
        for signs in product((False, True), repeat=len(sizes))
    ]
    low, high = sum(s <= won for s in sums), sum(s >= won for s in sums)
    return min(1.0, 2 * min(low, high) / len(sums))


gains = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=9)


def test_ranks_known_by_hand():
    # sizes 0, 1, 2, 2, 5 have ranks 1, 2, 3.5, 3.5, 5
    assert signed_ranks(np.array([2.0, -1.0, 0.0, -2.0, 5.0])).tolist() == [3.5, -2, 0, -3.5, 5]


def test_an_infinite_gain_has_the_highest_rank():
    assert signed_ranks(np.array([-math.inf, 1.0, math.inf])).tolist() == [-2.5, 1, 2.5]


def test_p_known_by_hand():
    # five signs alike: one pattern of 32 is as extreme in each tail
    assert p_value(np.array([1.0, 2, 3, 4, 5])) == 2 / 32
    assert p_value(np.array([1.0, 2, 3, 4, 5, 6])) == 2 / 64


def test_without_a_difference_p_is_one_and_there_is_no_effect():
    assert p_value(np.zeros(7)) == 1.0
    assert rank_biserial(np.zeros(7)) == 0.0


def test_effect_known_by_hand():
    assert rank_biserial(np.array([1.0, 2, -3, 4])) == 0.4  # (7 - 3) / 10
    assert rank_biserial(np.array([1.0, 2])) == 1.0


@given(gains)
def test_ranks_and_p_are_those_of_counting_everything(values):
    ranks = signed_ranks(np.array(values))

    assert ranks.tolist() == ranks_by_loops(values)
    assert p_value(ranks) == pytest.approx(p_by_every_sign(ranks.tolist()), abs=1e-12)


@given(gains)
def test_swapping_the_methods_turns_the_effect_round_and_leaves_p(values):
    ranks = signed_ranks(np.array(values))

    assert p_value(-ranks) == p_value(ranks)
    assert rank_biserial(-ranks) == -rank_biserial(ranks)


@pytest.mark.parametrize("count", [15, 30, 50])
def test_without_ties_p_is_scipys_exact_one(count):
    values = np.random.default_rng(count).normal(0.2, 1, count)

    expected = wilcoxon(values, method="exact").pvalue

    assert p_value(signed_ranks(values)) == pytest.approx(expected, rel=1e-9)


def test_many_cases_use_the_normal_approximation():
    random = np.random.default_rng(0)
    values = np.round(random.normal(0.3, 2, 120))  # ties and zeros
    ranks = signed_ranks(values)
    differing = np.abs(ranks[ranks != 0])

    # under random signs a sum of signed ranks has variance sum of squares
    z = ranks.sum() / math.sqrt((differing**2).sum())

    assert len(differing) > 50
    assert p_value(ranks) == pytest.approx(math.erfc(abs(z) / math.sqrt(2)), rel=1e-9)


def test_the_approximation_takes_over_without_a_jump():
    values = np.random.default_rng(1).normal(0.3, 1, 51)

    approximate = p_value(signed_ranks(values))

    # the normal tail is some percent off at this p of about 0.01
    assert approximate == pytest.approx(wilcoxon(values, method="exact").pvalue, rel=0.1)


@pytest.mark.parametrize("ties", [0, 18, 40])
def test_ties_do_not_part_methods_that_win_alike(ties):
    assert p_value(signed_ranks(np.array([1.0] * 15 + [0] * ties + [-1] * 15))) == 1


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
