import math

import numpy as np
import pandas as pd
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import MEASURES
from inspire_med.evaluation.statistics.aligned import aligned


def tidy(**methods):
    """Scores from `A={region: {measure: {case: value}}}`."""
    return pd.DataFrame(
        [
            (method, case, region, measure, value)
            for method, regions in methods.items()
            for region, measures in regions.items()
            for measure, cases in measures.items()
            for case, value in cases.items()
        ],
        columns=["method", "case", "region", "measure", "value"],
    )


A = {"WT": {"dice": {"y": 0.5, "x": 0.9}, "hd95_mm": {"x": 2.0, "y": math.inf}}}
B = {"WT": {"dice": {"x": 0.8, "y": 0.7}, "hd95_mm": {"x": math.nan, "y": 4.0}}}


def test_values_stand_by_case_id_whatever_the_order_of_the_tables():
    dice, _ = aligned(tidy(A=A, B=B), MEASURES)

    assert (dice.region, dice.measure, dice.cases) == ("WT", "dice", ("x", "y"))
    assert dice.values.tolist() == [[0.9, 0.5], [0.8, 0.7]]


def test_a_low_distance_is_a_merit_and_an_undefined_one_the_least():
    _, distance = aligned(tidy(A=A, B=B), MEASURES)

    assert distance.merits.tolist() == [[-2.0, -math.inf], [-math.inf, -4.0]]


def test_what_is_best_at_zero_is_compared_by_its_size():
    tables = {name: {"WT": {"volume_difference_ml": {"x": v}}} for name, v in (("A", -3), ("B", 2))}

    (found,) = aligned(tidy(**tables), MEASURES)

    assert found.values.tolist() == [[3.0], [2.0]]
    assert np.argmax(found.merits[:, 0]) == 1


def test_measures_not_asked_for_are_left_out():
    assert [s.measure for s in aligned(tidy(A=A, B=B), {"dice": MEASURES["dice"]})] == ["dice"]


def test_regions_come_in_the_order_of_the_tables():
    table = {"b": A["WT"], "a": A["WT"]}

    assert [s.region for s in aligned(tidy(A=table, B=table), MEASURES)] == ["b", "b", "a", "a"]


def test_one_method_is_no_comparison():
    with pytest.raises(InputError, match=r"one method alone \(A\)"):
        list(aligned(tidy(A=A), MEASURES))


def test_cases_that_one_method_lacks_are_named():
    table = {"WT": {**B["WT"], "dice": {"x": 0.8}}}

    with pytest.raises(InputError, match="method B: has no dice of WT for case y, which another"):
        list(aligned(tidy(A=A, B=table), MEASURES))


def test_a_region_that_one_method_lacks_is_named():
    with pytest.raises(InputError, match="method A: has no dice of ET for case x and 1 more"):
        list(aligned(tidy(A=A, B={**B, "ET": B["WT"]}), MEASURES))


def test_nothing_to_compare_is_said():
    with pytest.raises(InputError, match="no method has a score of iou"):
        list(aligned(tidy(A=A, B=B), {"iou": MEASURES["iou"]}))
