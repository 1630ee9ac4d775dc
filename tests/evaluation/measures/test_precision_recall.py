from itertools import pairwise

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.precision_recall import pr_auc


def area(reference, probability):
    return pr_auc(np.array(reference, dtype=bool), np.array(probability, dtype=np.float32))


def by_the_words(reference, probability):
    """Threshold by threshold."""
    points = [(0.0, 1.0)]
    for threshold in sorted(set(probability.ravel()), reverse=True):
        found = probability >= threshold
        tp = (found & reference).sum()
        points.append((tp / reference.sum(), tp / found.sum()))
    return sum((r2 - r1) * (p1 + p2) / 2 for (r1, p1), (r2, p2) in pairwise(points))


def test_by_hand():
    # thresholds 0.9: P 1, R 1/2; 0.6: P 1/2, R 1/2; 0.3: P 2/3, R 1
    assert area([1, 0, 1, 0], [0.9, 0.6, 0.3, 0.1]) == pytest.approx(
        0.5 + 0.5 * (1 / 2 + 2 / 3) / 2
    )


def test_equal_values_are_one_threshold():
    # 0.5: P 1/2, R 1
    assert area([1, 0], [0.5, 0.5]) == pytest.approx((1 + 1 / 2) / 2)


def test_a_map_that_sorts_rightly_is_1_whatever_its_values():
    assert area([0, 1, 1, 0], [0.1, 0.2, 0.3, 0.0]) == 1


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_definition_and_scikit_learns_order(seed):
    random = np.random.default_rng(seed)
    reference = random.random((5, 6, 7)) < 0.2
    probability = np.round(random.random(reference.shape), 1)

    expected = by_the_words(reference, probability)

    assert pr_auc(reference, probability) == pytest.approx(expected)
    assert pr_auc(reference, probability**3) == pytest.approx(expected)


def test_an_empty_reference_asks_for_a_constant_map():
    assert area([0, 0, 0], [0.7, 0.7, 0.7]) == 1
    assert area([0, 0, 0], [0.7, 0.7, 0.6]) == 0


def test_a_constant_map_tells_nothing_of_a_lesion():
    assert area([1, 0, 0, 0], [0, 0, 0, 0]) == pytest.approx((1 + 1 / 4) / 2)


def test_all_foreground_is_1():
    assert area([1, 1], [0.2, 0.9]) == 1


def test_another_shape_is_refused():
    with pytest.raises(InputError, match="give one probability a voxel"):
        area([1, 0], [0.5])
