import math

import numpy as np
import pytest

from inspire_med.evaluation import evaluate_case
from inspire_med.evaluation.protocols.brats2026 import BRATS2026

MET, MENRT = "brats2026-met", "brats2026-menrt"
NAN = pytest.approx(math.nan, nan_ok=True)


def volume(*boxes, shape=(12, 12, 40)):
    labels = np.zeros(shape, dtype=np.uint8)
    for box in boxes:
        labels[tuple(slice(*side) for side in box)] = 1
    return labels


def bar(start, stop, wide=2):
    return (3, 3 + wide), (3, 3 + wide), (start, stop)


def score(reference, prediction, name=MENRT, spacing=(1.0, 1.0, 1.0)):
    regions = {"GTV": (1,)} if name == MENRT else {"WT": (1,), "TC": (2,), "ET": (3,), "RC": (4,)}
    found = evaluate_case(reference, prediction, spacing, name, regions=regions)
    return next(iter(found.values()))


def values(found, *names):
    return [found.measures[name] for name in names]


LESIONWISE = ("lesionwise_dice", "lesionwise_nsd", "lesionwise_hd95")
COUNTS = ("lesions_tp", "lesions_fp", "lesions_fn")
RATIOS = ("lesion_precision", "lesion_recall", "lesion_f1")
WHOLE = ("dice", "nsd", "hd95")
LESION = volume(bar(10, 18))
NOTHING = volume()


class TestEmpty:
    @pytest.mark.parametrize("name", [MENRT, MET])
    def test_both(self, name):
        found = score(NOTHING, NOTHING, name)

        assert values(found, *LESIONWISE, *RATIOS, *WHOLE) == [NAN] * 9
        assert values(found, *COUNTS) == [0, 0, 0]

    def test_prediction(self):
        found = score(LESION, NOTHING)

        assert values(found, *LESIONWISE) == [0, 0, math.inf]
        assert values(found, *COUNTS) == [0, 0, 1]
        assert values(found, *RATIOS) == [NAN, 0, 0]
        assert values(found, *WHOLE) == [0, 0, 373]

    def test_reference(self):
        found = score(NOTHING, LESION)

        assert values(found, *LESIONWISE) == [0, 0, math.inf]
        assert values(found, *COUNTS) == [0, 1, 0]
        assert values(found, *RATIOS) == [0, NAN, 0]
        assert values(found, *WHOLE) == [0, 0, 373]

    def test_prediction_of_metastases(self):
        found = score(LESION, NOTHING, MET)

        assert values(found, *LESIONWISE) == [0, 0, 373]
        assert values(found, *(f"large_{name}" for name in (*COUNTS, *RATIOS))) == [
            0,
            0,
            1,
            0,
            0,
            0,
        ]
        assert values(found, *(f"small_{name}" for name in (*COUNTS, *RATIOS))) == [NAN] * 6

    def test_reference_of_metastases(self):
        found = score(NOTHING, LESION, MET)

        names = [f"{size}_{name}" for size in ("large", "small") for name in (*COUNTS, *RATIOS)]
        assert values(found, *LESIONWISE, *names) == [NAN] * 15


class TestPairs:
    def test_missed_and_spurious_lesions_leave_the_means_alone(self):
        reference = volume(bar(0, 8), bar(20, 24))
        prediction = volume(bar(2, 8), bar(34, 38))

        found = score(reference, prediction)

        assert values(found, *COUNTS) == [1, 1, 1]
        assert values(found, *RATIOS) == [0.5, 0.5, 0.5]
        assert found.measures["lesionwise_dice"] == pytest.approx(2 * 24 / 56)
        assert found.measures["dice"] == pytest.approx(2 * 24 / (48 + 40))
        assert [each.kind for each in found.lesions] == ["matched", "missed", "spurious"]

    def test_a_bridge_is_the_partner_of_one(self):
        found = score(volume(bar(0, 4), bar(10, 16)), volume(bar(0, 16)))

        assert values(found, *COUNTS) == [1, 0, 1]
        assert found.measures["lesionwise_dice"] == pytest.approx(2 * 24 / (24 + 64))

    def test_one_voxel_in_common_is_enough(self):
        found = score(volume(bar(0, 20)), volume(bar(19, 39)))

        assert values(found, *COUNTS) == [1, 0, 0]

    def test_lesions_that_touch_without_a_voxel_in_common_are_apart(self):
        found = score(volume(bar(0, 20)), volume(bar(20, 39)))

        assert values(found, *COUNTS) == [0, 1, 1]
        assert values(found, *WHOLE) == [0, 0, 373]


class TestDistances:
    """A column of voxels against one that goes on for four more: distances 0, ... and 1 to 4."""

    REFERENCE, PREDICTION = volume(bar(10, 26, 1)), volume(bar(10, 30, 1))

    def test_whole_regions_know_no_spacing(self):
        found = score(self.REFERENCE, self.PREDICTION, spacing=(5.0, 5.0, 5.0))

        # 36 distances, the largest 1, 2, 3, 4; place 0.95 * 35 = 33.25
        assert found.measures["hd95"] == pytest.approx(2.25)
        assert found.measures["nsd"] == pytest.approx((1 + 16 / 20) / 2)

    def test_lesions_are_measured_in_mm(self):
        found = score(self.REFERENCE, self.PREDICTION, spacing=(5.0, 5.0, 5.0))

        assert found.measures["lesionwise_hd95"] == pytest.approx(5 * 2.25)
        assert found.measures["lesionwise_nsd"] == pytest.approx((1 + 17 / 20) / 2)  # within 5 mm

    def test_the_sides_of_a_voxel_are_taken_in_reverse_as_the_package_does(self):
        """As in scripts/bench/official.py, beside the package."""
        found = score(self.REFERENCE, self.PREDICTION, spacing=(0.5, 1.0, 4.0))

        assert found.measures["lesionwise_hd95"] == pytest.approx(0.5 * 2.25)
        assert found.measures["lesionwise_nsd"] == pytest.approx((1 + 17 / 20) / 2)


class TestMetastases:
    LARGE, SMALL = bar(0, 5), bar(10, 14)  # 20 and 16 voxels

    def test_means_are_those_of_large_lesions_and_all_spurious_ones(self):
        found = score(volume(self.LARGE, self.SMALL), volume(self.LARGE, bar(30, 31)), MET)

        assert values(found, *LESIONWISE) == [0.5, 0.5, 373 / 2]
        assert values(found, *COUNTS) == [1, 1, 1]
        assert values(found, *(f"large_{name}" for name in COUNTS)) == [1, 1, 0]
        assert values(found, *(f"small_{name}" for name in (*COUNTS, *RATIOS))) == [
            0,
            1,
            1,
            0,
            0,
            0,
        ]

    @pytest.mark.parametrize(
        ("spacing", "large"),
        [
            ((1.0, 1.0, 1.0), 1),
            ((1.0, 1.0, 0.99999994), 1),  # the float32 below 1
            ((1.0, 1.0, 0.99), NAN),
        ],
    )
    def test_twenty_cubic_millimetres_are_large(self, spacing, large):
        found = score(volume(self.LARGE), volume(self.LARGE), MET, spacing)

        assert found.measures["large_lesions_tp"] == large

    @pytest.mark.parametrize(("length", "found"), [(38, 1), (39, 0)])
    def test_a_dice_of_a_tenth_is_found(self, length, found):
        # 2 voxels of 38: Dice 4 / 40
        lesion, answer = volume(bar(0, 2, 1)), volume(bar(0, length, 1))

        measures = score(lesion, answer, MET).measures

        assert measures["small_lesions_tp"] == found
        assert measures["small_lesions_fn"] == 1 - found
        assert measures["lesions_tp"] == 1  # a pair either way


@pytest.mark.parametrize("rules", BRATS2026, ids=lambda rules: rules.name)
def test_the_policy_and_the_words_cover_every_measure(rules):
    text = "\n".join(rules.policy)
    empty = np.zeros((3, 3, 3), dtype=np.uint8)

    found = evaluate_case(empty, empty, (1, 1, 1), rules.name)

    assert list(found) == list(rules.regions)
    assert list(next(iter(found.values())).measures) == list(rules.measures)
    assert all(measure in text for measure in rules.measures)
