import math

import pandas as pd

from inspire_med.evaluation.statistics.extremes import notable_cases, rank_cases


def table(measure, **regions):
    return pd.DataFrame(
        [
            (case, region, measure, value)
            for region, values in regions.items()
            for case, value in values.items()
        ],
        columns=["case", "region", "measure", "value"],
    )


def test_the_lowest_dice_comes_first():
    found = rank_cases(table("dice", WT={"a": 0.9, "b": 0.1, "c": 0.1}), "dice", "high")

    assert found == [("b", 0.1), ("c", 0.1), ("a", 0.9)]


def test_the_largest_distance_comes_first():
    found = rank_cases(table("hd95_mm", WT={"a": 2.0, "b": 9.0}), "hd95_mm", "low")

    assert found == [("b", 9.0), ("a", 2.0)]


def test_what_is_best_at_zero_goes_by_its_size():
    values = {"a": -9.0, "b": 1.0, "c": 3.0}

    found = rank_cases(table("volume_difference_ml", WT=values), "volume_difference_ml", "zero")

    assert found == [("a", 9.0), ("c", 3.0), ("b", 1.0)]


def test_errors_that_would_cancel_over_regions_do_not():
    scores = table("volume_difference_ml", WT={"a": -5.0, "b": 1.0}, ET={"a": 5.0, "b": 1.0})

    assert rank_cases(scores, "volume_difference_ml", "zero")[0] == ("a", 5.0)


def test_the_mean_is_over_regions_where_the_case_is_defined():
    scores = table("dice", WT={"a": 0.4, "b": math.nan}, ET={"a": 0.8, "b": math.inf})

    assert rank_cases(scores, "dice") == [("a", (0.4 + 0.8) / 2)]


def test_notable_cases_of_nine_are_three_of_each():
    ranked = [(str(number), float(number)) for number in range(9)]

    found = notable_cases(ranked)

    assert [[name for name, _ in group] for group in found.values()] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6", "7", "8"],
    ]


def test_cases_equal_but_for_rounding_go_by_id():
    scores = table("dice", WT={"a": 0.1 + 0.2, "b": 0.3, "c": 0.0})

    assert [case for case, _ in rank_cases(scores, "dice", "high")] == ["c", "a", "b"]
