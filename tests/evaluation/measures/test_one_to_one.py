from itertools import permutations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from inspire_med.evaluation.measures.lesions import components
from inspire_med.evaluation.measures.matching import overlaps
from inspire_med.evaluation.measures.one_to_one import by_highest_iou, by_most_dice

# Of panoptica 2.1.7 on `noise` and `blobs`: lesions found, spurious, missed and the mean Dice of
# those found, by `NaiveThresholdMatching` at IoU 0.2 and by `MaxBipartiteMatching` at Dice 1e-6.
PANOPTICA = {
    ("noise", 1): ((0, 23, 26, 0), (3, 20, 23, 0.151249335)),
    ("noise", 3): ((2, 25, 33, 0.45), (5, 22, 30, 0.273581781)),
    ("blobs", 0): ((6, 9, 7, 0.401875902), (12, 3, 1, 0.317083518)),
    ("blobs", 1): ((2, 17, 12, 0.348484848), (9, 10, 5, 0.264973221)),
    ("blobs", 2): ((5, 11, 14, 0.374736842), (13, 3, 6, 0.263632232)),
    ("blobs", 3): ((2, 21, 17, 0.351851852), (15, 8, 4, 0.255830287)),
}


def noise(seed):
    random = np.random.default_rng(seed)
    return tuple(random.random((9, 10, 11)) < share for share in (0.06, 0.08))


def blobs(seed):
    random = np.random.default_rng(seed)
    seeds = random.random((14, 15, 16)) < 0.012
    others = seeds & (random.random(seeds.shape) < 0.8) | (random.random(seeds.shape) < 0.004)
    return binary_dilation(seeds), np.roll(binary_dilation(others), 1, axis=seed % 3)


def line(*spans, length=20):
    """Lesions along one line, each from its first to its last voxel."""
    mask = np.zeros((1, 1, length), dtype=bool)
    for first, last in spans:
        mask[0, 0, first : last + 1] = True
    return components(mask)


def counts(found):
    hits = np.array([bool(parts) for parts in found.hits])
    dice = float(found.dice[hits].mean()) if hits.any() else 0.0
    return int(hits.sum()), len(found.spurious), int((~hits).sum()), pytest.approx(dice, abs=1e-8)


@pytest.mark.parametrize(("made", "seed"), PANOPTICA)
def test_counts_what_panoptica_counts(made, seed):
    reference, prediction = map(components, {"noise": noise, "blobs": blobs}[made](seed))
    greedy, best = PANOPTICA[made, seed]

    assert counts(by_highest_iou(reference, prediction, 0.2)) == greedy
    assert counts(by_most_dice(reference, prediction, 1e-6)) == best


@pytest.mark.parametrize("seed", range(5))
def test_no_other_pairing_has_a_larger_sum_of_dice(seed):
    random = np.random.default_rng(seed)
    shape = (1, 6, 10)
    reference, prediction = (components(random.random(shape) < share) for share in (0.2, 0.25))
    lesion, part, voxels = overlaps(reference, prediction)
    dice = np.zeros((len(reference), len(prediction)))
    dice[lesion, part] = 2 * voxels / (reference.sizes[lesion] + prediction.sizes[part])
    small = dice if len(dice) <= len(dice.T) else dice.T
    rows = range(len(small))

    found = by_most_dice(reference, prediction, 1e-6)

    best = max(
        small[rows, columns].sum() for columns in permutations(range(len(small.T)), len(rows))
    )
    assert found.dice.sum() == pytest.approx(best)


def test_a_bridge_answers_to_one_lesion():
    lesions, bridge = line((2, 5), (8, 12)), line((2, 12), (16, 16))

    for found in (by_highest_iou(lesions, bridge, 0.2), by_most_dice(lesions, bridge, 1e-6)):
        assert found.hits == [[], [0]]  # IoU 4/11 and 5/11
        assert found.spurious == (1,)
        assert found.dice.tolist() == [0, pytest.approx(10 / 16)]


def test_the_threshold_itself_is_enough():
    lesion, part = line((0, 5)), line((4, 7))  # IoU 2/8, Dice 4/10

    assert by_highest_iou(lesion, part, 0.25).hits == [[0]]
    assert by_highest_iou(lesion, part, 0.2501).hits == [[]]
    assert by_most_dice(lesion, part, 0.4).hits == [[0]]
    assert by_most_dice(lesion, part, 0.4001).hits == [[]]


def test_the_highest_pair_first_may_leave_two_alone():
    """A and P overlap by 2 of 4 voxels, P and B by 3 of 6, B and Q by 2 of 9."""
    lesions = line((0, 3), (5, 10))
    parts = line((2, 7), (9, 13))

    # IoU: A with P 2/8, B with P 3/9, B with Q 2/9
    assert by_highest_iou(lesions, parts, 0.2).hits == [[], [0]]
    # Dice: A with P and B with Q 4/10 + 4/11, B with P 6/12
    assert by_most_dice(lesions, parts, 1e-6).hits == [[0], [1]]


def test_of_equal_pairs_the_first_as_the_evaluator_reads_them():
    """As panoptica 2.1.7 chose on these arrays: in C order for ISLES, reversed for BraTS."""
    ends = np.zeros((6, 5, 6), dtype=bool)
    ends[0, 2, 5] = ends[5, 2, 0] = True
    bridge = np.zeros_like(ends)
    bridge[:, 2, 5] = bridge[5, 2, :] = True
    lesions, parts = components(ends), components(bridge)

    chosen = {
        pairing: [lesions.positions[0, at] for at, hit in enumerate(found.hits) if hit]
        for pairing in (by_highest_iou, by_most_dice)
        for found in [pairing(lesions, parts, 1e-6)]
    }

    assert chosen == {by_highest_iou: [0], by_most_dice: [5]}


@pytest.mark.parametrize("pairing", [by_highest_iou, by_most_dice])
def test_of_nothing_there_are_no_pairs(pairing):
    nothing, something = line(), line((3, 4))

    assert pairing(nothing, nothing, 0.2).hits == []
    assert pairing(nothing, something, 0.2).spurious == (0,)
    assert pairing(something, nothing, 0.2).hits == [[]]
