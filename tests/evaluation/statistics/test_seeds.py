import math
import statistics

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.evaluation.measures.measure import MEASURES
from inspire_med.evaluation.statistics.paired import compare_methods
from inspire_med.evaluation.statistics.seeds import with_seeds

DICE = {"dice": MEASURES["dice"]}
VOLUME = {"volume_difference_ml": MEASURES["volume_difference_ml"]}


def trained(name="dice", **seeds):
    """Scores of methods given by the values of their seeds."""
    return pd.DataFrame(
        [
            (method, seed, f"c{at}", "WT", name, value)
            for method, rows in seeds.items()
            for seed, row in enumerate(rows)
            for at, value in enumerate(row)
        ],
        columns=["method", "seed", "case", "region", "measure", "value"],
    )


def seen(measures=DICE, **seeds):
    """The only difference of two methods given by the values of their seeds."""
    (name,) = measures
    scores = trained(name, **seeds)
    by_case = scores.groupby(["method", "case", "region", "measure"], sort=False)["value"]
    means = by_case.agg(statistics.fmean).reset_index()
    (found,) = with_seeds(compare_methods(means, measures), scores, measures)
    return found


def test_counts_the_seeds_that_agree_with_their_mean():
    found = seen(
        A=[[0.9, 0.9], [0.6, 0.5], [0.5, 0.5]],  # means 0.9, 0.55, 0.5
        B=[[0.5, 0.5], [0.5, 0.5], [0.6, 0.5]],  # 0.5, 0.5, 0.55
    )

    assert found.mean == pytest.approx(2 / 15)
    assert (found.seeds, found.seeds_alike) == (3, 2)


def test_of_signed_volumes_the_sizes_of_each_seed_count():
    found = seen(VOLUME, A=[[-3.0], [1.0]], B=[[2.0], [0.5]])

    # of the means A is at -1, so nearer than B at 1.25; of each seed alone it is farther
    assert found.mean == -0.25
    assert (found.seeds, found.seeds_alike) == (2, 0)


def test_a_seed_without_a_common_case_agrees_with_nothing():
    means = trained(A=[[0.7]], B=[[0.5]])
    scores = trained(A=[[0.7], [math.nan]], B=[[0.5], [0.5]])

    (found,) = with_seeds(compare_methods(means, DICE), scores, DICE)

    assert (found.seeds, found.seeds_alike) == (2, 1)


def test_a_seed_whose_mean_is_zero_agrees_with_nothing():
    found = seen(A=[[0.7, 0.7], [0.7, 0.7]], B=[[0.5, 0.5], [0.9, 0.5]])

    assert (found.seeds, found.seeds_alike) == (2, 1)


def test_without_a_mean_the_ranks_have_the_sign():
    means = trained(A=[[0.7]], B=[[math.nan]])
    scores = trained(A=[[0.7], [0.7], [math.nan]], B=[[math.nan], [0.9], [math.nan]])

    (found,) = with_seeds(compare_methods(means, DICE), scores, DICE)

    # undefined is lost: A is ahead in seed 0, behind in seed 1, level in seed 2
    assert (found.mean, found.seeds, found.seeds_alike) == (None, 3, 1)


def test_without_any_value_there_is_no_sign():
    found = seen(A=[[math.nan]], B=[[math.nan]])

    assert (found.mean, found.seeds, found.seeds_alike) == (None, 1, None)


def test_a_seed_whose_mean_is_zero_but_for_rounding_agrees_with_nothing():
    found = seen(A=[[0.9, 0.9, 0.9], [0.1, 0.2, 0.0]], B=[[0.5, 0.5, 0.5], [0.0, 0.0, 0.3]])

    assert (found.seeds, found.seeds_alike) == (2, 1)


values = st.lists(st.integers(0, 4).map(lambda each: each / 4), min_size=2, max_size=2)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=4))
def test_it_is_the_count_of_loops(rows):
    found = seen(A=[first for first, _ in rows], B=[second for _, second in rows])

    def sign(number):
        return (number > 0) - (number < 0)

    alike = 0
    for first, second in rows:
        alike += sign(sum(first) - sum(second)) == sign(found.mean)
    assert found.seeds_alike == alike
