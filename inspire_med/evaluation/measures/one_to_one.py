"""One to one: a lesion of a reference paired with one predicted part at most, and each part once.

Pairs are chosen by how well they overlap. Where overlaps are equal, the order of the parts decides:
that of their first voxels in the array as the challenge's evaluator reads it.

Source: panoptica 2.1.7, which the challenges' evaluators drive.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from inspire_med.evaluation.measures.lesions import Parts
from inspire_med.evaluation.measures.matching import Match, overlaps

_WITHOUT = 1 + 1e-6  # what a pair costs that may not be: more than any that may, 1 - Dice


def by_highest_iou(reference: Parts, prediction: Parts, at_least: float) -> Match:
    """Take the pair of the highest IoU, then the highest of which both parts are left, and so on.

    Source: `NaiveThresholdMatching` of panoptica. ISLES hands it arrays of nibabel, whose last axis
    it runs through fastest.

    Args:
        reference: The lesions, as `components` finds them.
        prediction: What was predicted, likewise on the same grid.
        at_least: IoU that a pair must reach.
    """
    lesion, part, voxels = overlaps(reference, prediction)
    iou = voxels / (reference.sizes[lesion] + prediction.sizes[part] - voxels)
    ranks = _ranks(reference, "C")[lesion], _ranks(prediction, "C")[part]
    order = np.lexsort((*ranks, -iou))
    order = order[iou[order] >= at_least]
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for one, other in zip(lesion[order].tolist(), part[order].tolist(), strict=True):
        if one not in partner and other not in taken:
            partner[one] = other
            taken.add(other)
    return _match(reference, prediction, partner.items())


def by_most_dice(reference: Parts, prediction: Parts, at_least: float) -> Match:
    """Take the pairs whose Dice have the largest sum.

    Source: `MaxBipartiteMatching` of panoptica. BraTS hands it arrays of SimpleITK, whose axes are
    reversed: the first one runs fastest.

    Args:
        reference: The lesions, as `components` finds them.
        prediction: What was predicted, likewise on the same grid.
        at_least: Dice that a pair must reach.
    """
    lesion, part, voxels = overlaps(reference, prediction)
    dice = 2 * voxels / (reference.sizes[lesion] + prediction.sizes[part])
    rows, columns = _ranks(reference, "F"), _ranks(prediction, "F")
    cost = np.full((len(reference), len(prediction)), _WITHOUT)
    cost[rows[lesion], columns[part]] = np.where(dice >= at_least, 1 - dice, _WITHOUT)
    row, column = linear_sum_assignment(cost)
    met = cost[row, column] < _WITHOUT
    lesion, part = np.argsort(rows)[row[met]], np.argsort(columns)[column[met]]
    return _match(reference, prediction, zip(lesion.tolist(), part.tolist(), strict=True))


def _ranks(parts: Parts, order: Literal["C", "F"]) -> NDArray[np.intp]:
    """The place of each part in the order of first voxels, along the last axis or the first."""
    if not len(parts):
        return np.zeros(0, dtype=np.intp)
    position = np.ravel_multi_index(tuple(parts.positions), parts.mask.shape, order=order)
    first = np.minimum.reduceat(position, parts.starts[:-1])
    return np.argsort(np.argsort(first))


def _match(reference: Parts, prediction: Parts, pairs: Iterable[tuple[int, int]]) -> Match:
    partner = dict(pairs)
    hits = [[partner[each]] if each in partner else [] for each in range(len(reference))]
    return Match(reference, prediction, hits)
