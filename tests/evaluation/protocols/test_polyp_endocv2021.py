import numpy as np
import pytest

from inspire_med.evaluation.protocols.polyp_endocv2021 import (
    POLYP_ENDOCV2021,
    deviation,
    hausdorff_share,
    in_words,
    score_endocv,
)
from inspire_med.evaluation.result import CaseScores, RegionResult


def strip(*parts):
    """A picture of one row, 1 in each (start, stop)."""
    row = np.zeros((1, 10), dtype=bool)
    for start, stop in parts:
        row[0, start:stop] = True
    return row


def scores(reference, prediction):
    return score_endocv(reference, prediction.astype(float)).measures


def case(name, dice, recall, ppv, distance):
    values = {"dice": dice, "recall": recall, "ppv": ppv, "row_hausdorff": distance}
    return CaseScores(name, {"polyp": RegionResult(values)})


def test_f2_counts_recall_more_than_ppv():
    found = scores(strip((0, 4)), strip((2, 5)))  # TP 2, FP 1, FN 2, TN 5

    assert found["ppv"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(1 / 2)
    assert found["f2"] == pytest.approx(5 * (2 / 3) * (1 / 2) / (4 * (2 / 3) + 1 / 2))
    assert found["dice"] == pytest.approx(4 / 7)
    assert found["iou"] == pytest.approx(2 / 5)
    assert found["accuracy"] == pytest.approx(7 / 10)


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        ((), (), {"dice": 1, "iou": 1, "f2": 1, "ppv": 1, "recall": 1, "accuracy": 1}),
        (((0, 4),), (), {"dice": 0, "iou": 0, "f2": 0, "ppv": 1, "recall": 0, "accuracy": 0.6}),
        ((), ((0, 4),), {"dice": 0, "iou": 0, "f2": 0, "ppv": 0, "recall": 1, "accuracy": 0.6}),
        (((0, 4),), ((4, 6),), {"dice": 0, "f2": 0, "ppv": 0, "recall": 0, "accuracy": 0.4}),
    ],
)
def test_what_is_empty_is_as_the_script_has_it(reference, prediction, expected):
    found = scores(strip(*reference), strip(*prediction))

    assert {name: found[name] for name in expected} == expected


def test_a_resized_mask_is_cut_at_a_half():
    found = score_endocv(strip((0, 2)), np.array([[1, 0.51, 0.5, *[0.0] * 7]]))

    assert found.measures["dice"] == 1


def test_deviation_is_of_what_moves_beyond_a_tenth():
    seen = [case("a", 0.8, 0.9, 0.5, 2), case("b", 0.8, 0.9, 0.5, 4)]  # share 0.75
    unseen = [case("c", 0.7, 0.85, 0.6, 1), case("d", 0.7, 0.85, 0.6, 3)]  # share 2/3

    # Dice falls below 0.72 by 0.02; recall stays; PPV rises above 0.55: 0.6 - 0.45;
    # 1 - share rises above 0.275: 1/3 - 0.225
    expected = (0.02 + 0 + 0.15 + (1 / 3 - 0.225)) / 4
    assert hausdorff_share(seen) == 0.75
    assert deviation(seen, unseen) == pytest.approx(expected)
    assert deviation(seen, seen) == 0


def test_a_set_says_its_share_and_what_lies_between_its_sites():
    cases = [case("a", 0.8, 0.9, 0.5, 2), case("b", 0.7, 0.85, 0.6, 4)]

    assert in_words(cases, {}) == ["Mean row_hausdorff over its largest in the set: 0.750000."]
    between = in_words(cases, {"a": "one", "b": "two"})[1]
    # from one: Dice 0.02, PPV 0.15 (1 - share is 0 in both); from two: Dice 0.17, PPV 0.04
    assert between == (
        "Deviation beyond 10 % between sites: from one to two 0.042500, from two to one 0.052500."
    )


def test_cases_without_a_site_are_no_data_set():
    cases = [case("a", 0.8, 0.9, 0.5, 2), case("b", 0.7, 0.85, 0.6, 4)]
    others = [case(name, 0.1, 0.1, 0.1, 4) for name in "cd"]
    sites = {"a": "one", "b": "two"}

    alone, among_others = in_words(cases, sites)[1], in_words([*cases, *others], sites)[1]

    assert among_others == f"{alone[:-1]}; without a site, and left out: 2 cases."
    assert len(in_words([*cases, *others], {"a": "one"})) == 1  # one set, nothing to deviate from


def test_every_measure_has_words_and_a_line_of_the_policy():
    found = scores(strip((0, 4)), strip((2, 5)))
    text = "\n".join(POLYP_ENDOCV2021.policy)

    assert list(found) == list(POLYP_ENDOCV2021.measures)
    assert all(measure in text for measure in found)
