import math
import statistics

import numpy as np
import pandas as pd
import pytest
from examples import costly
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import MEASURES
from inspire_med.evaluation.statistics import ranking
from inspire_med.evaluation.statistics.bootstrap import RESAMPLES, SEED
from inspire_med.evaluation.statistics.ranking import rank_methods

DICE = {"dice": MEASURES["dice"]}
BOTH = {**DICE, "hd95_mm": MEASURES["hd95_mm"]}


def tables(**methods):
    """From `dice` values a case, as `A=[...]`."""
    return pd.DataFrame(
        [
            (method, f"c{at:02}", "WT", "dice", value)
            for method, values in methods.items()
            for at, value in enumerate(values)
        ],
        columns=["method", "case", "region", "measure", "value"],
    )


def by_name(standings):
    return {each.method: each for each in standings}


def test_ranks_known_by_hand():
    found = rank_methods(tables(A=[0.9, 0.9, 0.1], B=[0.8, 0.9, 0.8], C=[0.7, 0.2, 0.9]), DICE)

    # ranks by case: A 1, 1.5, 3; B 2, 1.5, 2; C 3, 3, 1
    assert [each.method for each in found] == ["A", "B", "C"]
    assert [each.mean_rank for each in found] == pytest.approx([5.5 / 3, 5.5 / 3, 7 / 3])
    assert [each.rank for each in found] == [1, 1, 3]
    # medians: A 0.9, B 0.8, C 0.7
    assert [each.median_rank for each in found] == [1, 2, 3]


def test_regions_and_measures_weigh_the_same():
    methods = pd.DataFrame(
        [
            ("A", "x", "WT", "dice", 0.9),
            ("A", "x", "WT", "hd95_mm", 9.0),
            ("A", "x", "ET", "dice", 0.9),
            ("B", "x", "WT", "dice", 0.8),
            ("B", "x", "WT", "hd95_mm", 1.0),
            ("B", "x", "ET", "dice", 0.8),
        ],
        columns=["method", "case", "region", "measure", "value"],
    )

    found = by_name(rank_methods(methods, BOTH))

    assert found["A"].mean_rank == pytest.approx(4 / 3)
    assert found["B"].mean_rank == pytest.approx(5 / 3)


def test_an_undefined_value_is_the_worst_and_shared_by_all_that_lack_it():
    found = by_name(rank_methods(tables(A=[math.nan], B=[math.inf], C=[0.0]), DICE))

    assert found["C"].rank == 1
    assert found["A"].mean_rank == found["B"].mean_rank == 2.5
    assert found["A"].rank == found["B"].rank == 2


def test_equal_methods_share_the_first_rank_in_every_draw():
    found = rank_methods(tables(A=[0.3, 0.7], B=[0.3, 0.7]), DICE)

    assert all(each.rank_probability == (1.0, 0.0) and each.rank95 == (1, 1) for each in found)


def test_a_method_better_in_every_case_is_first_in_every_draw():
    found = by_name(rank_methods(tables(A=[0.3, 0.7, 0.2], B=[0.4, 0.8, 0.3]), DICE))

    assert found["B"].rank_probability == (1.0, 0.0)
    assert found["A"].rank95 == (2, 2)


def test_an_order_that_hangs_on_few_cases_is_said_to_be_unstable():
    random = np.random.default_rng(0)
    found = rank_methods(tables(A=random.random(20), B=random.random(20)), DICE)

    assert all(0.05 < share < 0.95 for each in found for share in each.rank_probability)
    assert all(each.rank95 == (1, 2) for each in found)


def ranks_by_loops(values):
    """Mean rank of each method in one case, higher is better."""
    return [
        1 + sum(other > value for other in values) + (sum(v == value for v in values) - 1) / 2
        for value in values
    ]


def final_by_loops(sums):
    return [1 + sum(other < each for other in sums) for each in sums]


@costly
@given(
    st.integers(2, 4).flatmap(
        lambda methods: st.lists(
            st.lists(st.integers(0, 3), min_size=methods, max_size=methods), min_size=1, max_size=5
        )
    )
)
def test_the_ranking_is_that_of_loops(rows):
    names = "ABCD"[: len(rows[0])]
    found = by_name(
        rank_methods(
            tables(**{name: [row[at] / 3 for row in rows] for at, name in enumerate(names)}), DICE
        )
    )

    by_case = [ranks_by_loops(row) for row in rows]
    sums = [sum(column) for column in zip(*by_case, strict=True)]
    draws = np.random.default_rng(SEED).integers(len(rows), size=(RESAMPLES, len(rows))).tolist()
    drawn = [
        final_by_loops([sum(by_case[case][at] for case in draw) for at in range(len(names))])
        for draw in draws
    ]
    medians = ranks_by_loops([statistics.median(c) for c in zip(*rows, strict=True)])
    for at, name in enumerate(names):
        places = sorted(ranks[at] for ranks in drawn)
        assert found[name].rank == final_by_loops(sums)[at]
        assert found[name].mean_rank == pytest.approx(sums[at] / len(rows))
        assert found[name].median_rank == final_by_loops(medians)[at]
        assert found[name].rank_probability == pytest.approx(
            [places.count(place) / RESAMPLES for place in range(1, len(names) + 1)]
        )
        assert found[name].rank95 == (places[RESAMPLES // 40 - 1], places[RESAMPLES * 39 // 40 - 1])


def test_many_cases_are_drawn_a_few_at_a_time(monkeypatch):
    random = np.random.default_rng(0)
    methods = tables(A=random.random(30), B=random.random(30), C=random.random(30))
    at_once = rank_methods(methods, DICE)
    monkeypatch.setattr(ranking, "AT_ONCE", 1000)

    assert rank_methods(methods, DICE) == at_once


def test_the_order_of_cases_and_methods_moves_no_rank():
    random = np.random.default_rng(0)
    methods = tables(A=random.random(9), B=random.random(9), C=random.random(9))

    assert by_name(rank_methods(methods[::-1], DICE)) == by_name(rank_methods(methods, DICE))


def test_one_method_has_no_rank():
    with pytest.raises(InputError, match="one method alone"):
        rank_methods(tables(A=[0.1]), DICE)


def test_values_equal_but_for_rounding_share_a_rank():
    found = rank_methods(tables(A=[0.1 + 0.2, 0.3 * 3], B=[0.3, 0.9], C=[0.1, 0.1]), DICE)

    assert [each.mean_rank for each in found] == [1.5, 1.5, 3.0]
    assert [each.rank for each in found] == [1, 1, 3]
    assert by_name(found)["A"].rank_probability == (1.0, 0.0, 0.0)


def test_medians_equal_but_for_rounding_share_a_rank():
    found = rank_methods(tables(A=[0.1, 0.2], B=[0.0, 0.3]), DICE)  # (0.1 + 0.2) / 2 and 0.3 / 2

    assert [each.median_rank for each in found] == [1, 1]
