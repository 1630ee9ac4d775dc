import math
import random
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import MEASURES
from inspire_med.evaluation.statistics.bootstrap import mean_interval
from inspire_med.evaluation.statistics.paired import compare_methods
from inspire_med.evaluation.statistics.significance import (
    EXACT_UP_TO,
    holm,
    p_value,
    signed_ranks,
)

DICE = {"dice": MEASURES["dice"]}
HD95 = {"hd95_mm": MEASURES["hd95_mm"]}
VOLUME = {"volume_difference_ml": MEASURES["volume_difference_ml"]}


COLUMNS = ["method", "case", "region", "measure", "value"]


def tables(measure="dice", region="WT", **methods):
    return pd.DataFrame(
        [
            (method, f"c{at}", region, measure, value)
            for method, values in methods.items()
            for at, value in enumerate(values)
        ],
        columns=COLUMNS,
    )


def one(measures=DICE, **methods):
    (found,) = compare_methods(tables(next(iter(measures)), **methods), measures)
    return found


def test_a_difference_known_by_hand():
    found = one(A=[0.5, 0.5, 1.0, 0.5], B=[0.25, 0.75, 0.25, 0.5])

    # differences 0.25, -0.25, 0.75, 0: ranks 2.5, -2.5, 4, 0
    assert (found.first, found.second, found.n, found.n_left_out) == ("A", "B", 4, 0)
    assert found.mean == 0.1875
    assert found.median == 0.125
    assert found.cohens_dz == pytest.approx(0.1875 / statistics.stdev([0.25, -0.25, 0.75, 0]))
    assert found.rank_biserial == pytest.approx(4 / 9)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    # sums of 2.5, 2.5, 4 that reach 6.5: three of the eight patterns
    assert found.p == 2 * 3 / 8
    assert found.p_holm == found.p


def test_the_interval_is_the_bootstrap_of_the_differences():
    first, second = np.random.default_rng(0).random((2, 30))

    found = one(A=first, B=second)

    # cases stand by id: c0, c1, c10, c11, ...
    order = sorted(range(30), key=lambda at: f"c{at}")
    assert found.ci95 == mean_interval((first - second)[order])


def test_a_shorter_distance_is_a_win_and_a_positive_effect():
    found = one(HD95, A=[1.0, 2.0, 3.0], B=[2.0, 4.0, 6.0])

    assert found.mean == -2.0
    assert (found.wins, found.losses) == (3, 0)
    assert found.rank_biserial == 1.0
    assert found.cohens_dz == 2.0  # differences 1, 2, 3


def test_of_signed_volumes_the_size_counts():
    found = one(VOLUME, A=[-1.0, 1.0], B=[3.0, -2.0])

    assert found.mean == -1.5
    assert found.wins == 2


def test_an_undefined_case_is_in_no_mean_but_counts_as_lost():
    found = one(HD95, A=[1.0, 2.0, 3.0, math.inf], B=[2.0, math.inf, math.nan, math.nan])

    assert (found.n, found.only_first, found.only_second, found.neither) == (1, 2, 0, 1)
    assert found.n_left_out == 3
    assert found.mean == -1.0
    assert (found.wins, found.ties, found.losses) == (3, 1, 0)
    assert found.p == 2 / 8  # three cases won, one equal
    assert (found.ci95, found.cohens_dz) == (None, None)


def test_a_missed_case_weighs_more_than_any_distance():
    found = one(HD95, A=[1.0, 1.0, math.inf], B=[2.0, 9.0, 50.0])

    assert found.rank_biserial == 0.0  # ranks 1, 2 against 3


def test_nothing_defined_cannot_be_tested():
    found = one(HD95, A=[math.nan], B=[math.inf])

    assert (found.mean, found.median, found.p, found.p_holm, found.rank_biserial) == (None,) * 5
    assert not found.shown


def test_equal_methods_have_no_effect_and_p_one():
    found = one(A=[0.5, 0.7, 0.9], B=[0.5, 0.7, 0.9])

    assert (found.p, found.p_holm, found.rank_biserial, found.mean) == (1.0, 1.0, 0.0, 0.0)
    assert found.ci95 == (0.0, 0.0)
    assert found.cohens_dz is None
    assert not found.shown


def test_every_pair_is_tested_or_each_against_the_baseline():
    methods = tables(A=[0.1], B=[0.2], C=[0.3])

    pairs = [(each.first, each.second) for each in compare_methods(methods, DICE)]
    against = [(each.first, each.second) for each in compare_methods(methods, DICE, "B")]

    assert pairs == [("A", "B"), ("A", "C"), ("B", "C")]
    assert against == [("A", "B"), ("C", "B")]


def test_an_unknown_baseline_is_refused():
    with pytest.raises(InputError, match="option --baseline: no method is called 'D'; known: A, B"):
        compare_methods(tables(A=[1.0], B=[1.0]), DICE, "D")


def test_a_family_is_one_measure_over_all_regions_and_pairs():
    rows = np.random.default_rng(0).random((3, 2, 2, 12))
    methods = pd.DataFrame(
        [
            (name, f"c{at}", region, measure, rows[m, r, k, at])
            for m, name in enumerate("ABC")
            for r, region in enumerate(("WT", "ET"))
            for k, measure in enumerate(("dice", "hd95_mm"))
            for at in range(12)
        ],
        columns=COLUMNS,
    )

    found = compare_methods(methods, {**DICE, **HD95})

    for measure in ("dice", "hd95_mm"):
        family = [each for each in found if each.measure == measure]
        assert len(family) == 2 * 3
        assert [each.p_holm for each in family] == holm([each.p for each in family])


def regions_of(**gains):
    """Scores of A and B that differ by these gains, region by region."""
    return pd.DataFrame(
        [
            (method, f"c{at}", region, "dice", 0.5 + sign * each)
            for method, sign in (("A", 0.25), ("B", -0.25))
            for region, values in gains.items()
            for at, each in enumerate(values)
        ],
        columns=COLUMNS,
    )


def test_nine_tests_need_nine_differing_cases():
    many = [at / 64 for at in range(1, 10)]
    nine = {f"R{at}": many for at in range(9)}
    eight = {region: [*gains[:8], 0.0] for region, gains in nine.items()}

    lacking = compare_methods(regions_of(**eight), DICE)
    enough = compare_methods(regions_of(**nine), DICE)

    assert {each.p for each in lacking} == {2 / 2**8}
    assert {each.p_least for each in lacking} == {each.p_holm for each in lacking} == {9 / 2**7}
    assert not any(each.can_show for each in lacking)
    assert {each.p_least for each in enough} == {9 / 2**8}
    assert all(each.can_show and each.shown for each in enough)


@pytest.mark.parametrize(("differing", "can_show"), [(5, False), (6, True)])
def test_one_test_needs_six_differing_cases(differing, can_show):
    values = [0.25 + at / 64 for at in range(differing)]
    won = [1.0, *([0.0] * (differing - 1))]  # once better, else worse: nothing is shown

    found = one(A=[*won, 0.5], B=[*values, 0.5])

    assert found.n_differing == differing
    assert found.p_least == 2.0 ** (1 - differing)
    assert found.can_show is can_show
    assert not found.shown


def test_what_other_tests_show_leaves_fewer_to_correct_for():
    plain = [at / 64 for at in range(1, 21)]
    undecided = [0.25, -0.25, 0.25, -0.25, 0.25, -0.25]

    found = compare_methods(regions_of(WT=plain, TC=plain, ET=[*undecided, *([0.0] * 14)]), DICE)

    # after two smaller ones it is corrected for itself alone
    assert found[2].p_least == 2 / 2**6
    assert found[2].can_show
    assert not found[2].shown


def test_methods_that_never_differ_could_not_have_shown_it():
    found = one(A=[0.5] * 20, B=[0.5] * 20)

    assert (found.n_differing, found.p_least, found.can_show) == (0, 1.0, False)


def test_nothing_defined_has_no_least_p():
    found = one(HD95, A=[math.nan], B=[math.nan])

    assert (found.p_least, found.can_show) == (None, False)


@given(st.lists(st.lists(st.integers(-3, 3), min_size=9, max_size=9), min_size=1, max_size=4))
def test_no_p_after_holm_is_below_the_least(rows):
    gains = {f"R{at}": [each / 64 for each in row] for at, row in enumerate(rows)}

    found = compare_methods(regions_of(**gains), DICE)

    assert all(each.p_least <= each.p_holm for each in found)
    assert all(each.can_show for each in found if each.shown)


def test_what_cannot_be_tested_does_not_burden_its_family():
    nothing = tables(region="ET", A=[math.nan], B=[math.nan])

    tested, untested = compare_methods(pd.concat([tables(A=[0.1] * 6, B=[0.2] * 6), nothing]), DICE)

    assert tested.p_holm == tested.p == 2 / 64
    assert untested.p_holm is None


scores = st.one_of(st.integers(0, 8).map(float), st.just(math.nan), st.just(math.inf))
series = st.lists(st.tuples(scores, scores), min_size=1, max_size=9)


@given(series, st.sampled_from([DICE, HD95, VOLUME]))
def test_differences_are_those_of_loops(pairs, measures):
    (measure,) = measures.values()
    first, second = zip(*pairs, strict=True)
    found = one(measures, A=first, B=second)

    differences, gains = [], []
    for a, b in pairs:
        if math.isfinite(a) and math.isfinite(b):
            differences.append(a - b)
            gains.append(a - b if measure.better == "high" else b - a)
        elif math.isfinite(a):
            gains.append(math.inf)
        elif math.isfinite(b):
            gains.append(-math.inf)
        else:
            gains.append(0.0)
    assert found.n == len(differences)
    assert found.n + found.n_left_out == len(pairs)
    assert found.wins == sum(gain > 0 for gain in gains)
    assert found.ties == sum(gain == 0 for gain in gains)
    assert found.losses == sum(gain < 0 for gain in gains)
    if differences:
        assert found.mean == pytest.approx(statistics.fmean(differences), abs=1e-12)
        assert found.median == statistics.median(differences)
    if found.p is not None:
        assert found.p == p_value(signed_ranks(np.array(gains)))


@given(series, st.sampled_from([DICE, HD95, VOLUME]))
def test_swapping_the_methods_turns_everything_round(pairs, measures):
    first, second = zip(*pairs, strict=True)
    there, back = one(measures, A=first, B=second), one(measures, A=second, B=first)

    assert (there.wins, there.ties, there.losses) == (back.losses, back.ties, back.wins)
    assert (there.only_first, there.only_second) == (back.only_second, back.only_first)
    assert there.p == back.p
    for name in ("mean", "median", "rank_biserial", "cohens_dz"):
        ours, theirs = getattr(there, name), getattr(back, name)
        assert ours is theirs is None or ours == pytest.approx(-theirs, abs=1e-12)
    if there.ci95 is not None:
        assert there.ci95 == pytest.approx((-back.ci95[1], -back.ci95[0]), abs=1e-9)


@given(series, st.randoms(use_true_random=False))
def test_the_order_of_cases_moves_nothing(pairs, shuffler):
    first, second = zip(*pairs, strict=True)
    methods = tables(A=first, B=second)
    moved = pd.concat(
        rows.iloc[shuffler.sample(range(len(rows)), len(rows))]
        for _, rows in methods.groupby("method")
    )

    assert compare_methods(moved, DICE) == compare_methods(methods, DICE)


def test_a_real_difference_is_shown_and_noise_is_not():
    noise = random.Random(0)
    base = [noise.random() for _ in range(60)]
    methods = tables(
        A=base,
        B=[value + noise.gauss(0.05, 0.05) for value in base],
        C=[value + noise.gauss(0, 0.05) for value in base],
    )

    found = {(each.first, each.second): each.shown for each in compare_methods(methods, DICE)}

    assert found == {("A", "B"): True, ("A", "C"): False, ("B", "C"): True}


# Lesion F1 of eleven cases: seven at 1 - 2/3, four at 1/3 - 2/3, of one size but for rounding.
THIRDS = {"A": [1.0] * 7 + [1 / 3] * 4, "B": [2 / 3] * 11}


def test_differences_of_one_size_but_for_rounding_share_a_rank():
    found = one(**THIRDS)

    assert 1 - 2 / 3 != 2 / 3 - 1 / 3
    # all have rank 6: 42 of 66 won; four or fewer of eleven signs in each tail
    assert found.rank_biserial == pytest.approx(18 / 66)
    assert found.p == 2 * sum(math.comb(11, lost) for lost in range(5)) / 2**11
    assert (found.wins, found.ties, found.losses) == (7, 0, 4)


def test_values_equal_but_for_rounding_are_ties():
    found = one(A=[0.1 + 0.2, 0.7, 0.9], B=[0.3, 0.1 * 7, 0.3 * 3])

    assert (found.wins, found.ties, found.losses) == (0, 3, 0)
    assert (found.p, found.rank_biserial, found.mean, found.ci95) == (1.0, 0.0, 0.0, (0.0, 0.0))
    assert found.cohens_dz is None


def test_the_size_of_a_measure_makes_no_difference():
    small, large = (
        one(**{name: (np.array(values) * by).tolist() for name, values in THIRDS.items()})
        for by in (1e-6, 1e6)
    )

    assert small.p == large.p == one(**THIRDS).p
    assert small.rank_biserial == large.rank_biserial


@pytest.mark.parametrize("count", [12, 40, 90])
def test_scores_worked_out_in_another_way_give_scipys_p_of_whole_numbers(count):
    ones, others = np.random.default_rng(count).integers(0, 30, (2, count))
    second = [1 - (30 - other) / 30 for other in others]  # thirtieths too, with other last bits
    whole = np.sort(ones - others)

    found = one(A=(ones / 30).tolist(), B=second)

    ranks = np.sign(whole) * rankdata(np.abs(whole))
    assert found.ties == (whole == 0).sum()
    assert found.rank_biserial == pytest.approx(ranks.sum() / np.abs(ranks).sum())
    assert found.p == pytest.approx(p_value(ranks), abs=1e-12)
    if (whole != 0).sum() > EXACT_UP_TO:
        expected = wilcoxon(whole, zero_method="pratt", correction=False, method="asymptotic")
        assert found.p == pytest.approx(expected.pvalue)
