import math

import numpy as np
import pytest

from inspire_med.evaluation.measures.overlap import (
    Counts,
    count,
    dice,
    iou,
    precision,
    recall,
    specificity,
)

NOTHING = Counts(tp=0, fp=0, fn=0, tn=10)
ONLY_REFERENCE = Counts(tp=0, fp=0, fn=4, tn=6)
ONLY_PREDICTION = Counts(tp=0, fp=4, fn=0, tn=6)
APART = Counts(tp=0, fp=2, fn=2, tn=6)
HALF = Counts(tp=2, fp=1, fn=2, tn=5)


def test_counts_every_voxel_once():
    reference = np.array([[1, 1, 0], [1, 1, 0]], dtype=bool)
    prediction = np.array([[0, 1, 1], [0, 1, 0]], dtype=bool)

    assert count(reference, prediction) == Counts(tp=2, fp=1, fn=2, tn=1)


def test_true_negatives_are_those_of_the_whole_volume():
    crop = np.ones((2, 2), dtype=bool)

    assert count(crop, crop, size=100) == Counts(tp=4, fp=0, fn=0, tn=96)


@pytest.mark.parametrize(
    ("measure", "counts", "expected"),
    [
        (dice, HALF, 4 / 7),  # 2*2 / (2*2 + 1 + 2)
        (iou, HALF, 2 / 5),
        (precision, HALF, 2 / 3),
        (recall, HALF, 2 / 4),
        (specificity, HALF, 5 / 6),
        *((measure, NOTHING, 1.0) for measure in (dice, iou, precision, recall, specificity)),
        *((measure, ONLY_REFERENCE, 0.0) for measure in (dice, iou, precision, recall)),
        *((measure, ONLY_PREDICTION, 0.0) for measure in (dice, iou, precision, recall)),
        *((measure, APART, 0.0) for measure in (dice, iou, precision, recall)),
        (specificity, ONLY_REFERENCE, 1.0),
        (specificity, ONLY_PREDICTION, 0.6),
    ],
)
def test_value_known_by_hand(measure, counts, expected):
    assert measure(counts) == pytest.approx(expected, abs=1e-15)


def test_specificity_is_undefined_without_background():
    assert math.isnan(specificity(Counts(tp=8, fp=0, fn=2, tn=0)))
