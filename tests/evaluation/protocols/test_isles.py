import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import generate_binary_structure, label

from inspire_med.evaluation.case import score_maps
from inspire_med.evaluation.protocols.isles import ISLES2022, ISLES2024, ISLES2026
from inspire_med.imaging.labels import LabelMap

TWENTY_SIX = generate_binary_structure(3, 3)


def score(reference, prediction, spacing=(1.0, 1.0, 1.0), rules=ISLES2022):
    maps = (LabelMap(labels, spacing, None, "array") for labels in (reference, prediction))
    return score_maps(*maps, rules, regions=rules.regions)["lesion"]


def volume(*boxes, shape=(20, 20, 20)):
    labels = np.zeros(shape, dtype=np.uint8)
    for box in boxes:
        labels[tuple(slice(*side) for side in box)] = 1
    return labels


def by_the_words(reference, prediction, spacing):
    """Each lesion is looked at on the whole volume."""
    reference, prediction = reference != 0, prediction != 0
    (truth, true_count), (answer, count) = (label(m, TWENTY_SIX) for m in (reference, prediction))
    tp = sum((prediction & (truth == number)).any() for number in range(1, true_count + 1))
    fp = sum(not (reference & (answer == number)).any() for number in range(1, count + 1))
    fn = true_count - tp
    voxels, common = reference.sum() + prediction.sum(), (reference & prediction).sum()
    difference = abs(int(reference.sum()) - int(prediction.sum()))
    return {
        "dice": 2 * common / voxels if voxels else 1,
        "lesion_f1": tp / (tp + (fp + fn) / 2) if tp + fp + fn else 1,
        "absolute_volume_difference_ml": difference * spacing[0] * spacing[1] * spacing[2] / 1000,
        "absolute_lesion_count_difference": abs(true_count - count),
    }


@given(
    st.tuples(*(st.integers(1, 9),) * 3).flatmap(
        lambda shape: st.tuples(*(arrays.arrays(np.uint8, shape, elements=st.integers(0, 40)),) * 2)
    ),
    st.sampled_from((5, 20)),
    st.sampled_from(((1.0, 1.0, 1.0), (2.0, 0.9, 6.0))),
)
def test_equals_the_definitions(numbers, share, spacing):
    reference, prediction = (np.where(each < share, each, 0) for each in numbers)

    found = score(reference.astype(np.uint8), prediction.astype(np.uint8), spacing)

    assert found.measures == pytest.approx(by_the_words(reference, prediction, spacing), abs=1e-12)


def test_f1_is_not_symmetric():
    """One part bridges both lesions, two more are false: the example of the rule."""
    lesions = volume(((2, 4), (2, 4), (2, 4)), ((2, 4), (2, 4), (10, 12)))
    bridge = volume(
        ((2, 4), (2, 4), (2, 12)), ((15, 16), (1, 2), (1, 2)), ((15, 16), (18, 19), (1, 2))
    )

    assert score(lesions, bridge).measures["lesion_f1"] == pytest.approx(2 / 3)
    assert score(bridge, lesions).measures["lesion_f1"] == pytest.approx(1 / 2)


def test_corners_connect_and_nothing_else_joins():
    corner = volume(((2, 3), (2, 3), (2, 3)), ((3, 4), (3, 4), (3, 4)))
    apart = volume(((2, 3), (2, 3), (2, 3)), ((4, 5), (2, 3), (2, 3)))

    assert score(corner, volume()).measures["absolute_lesion_count_difference"] == 1
    assert score(apart, volume()).measures["absolute_lesion_count_difference"] == 2


def test_a_part_beside_a_lesion_does_not_hit_it():
    found = score(volume(((2, 4), (2, 4), (2, 4))), volume(((4, 6), (2, 4), (2, 4))))

    assert found.measures["lesion_f1"] == 0
    assert [lesion.kind for lesion in found.lesions] == ["missed", "spurious"]


def test_one_voxel_counts():
    one = volume(((2, 3), (2, 3), (2, 3)))

    assert score(one, one).measures["lesion_f1"] == 1


def test_any_label_is_lesion():
    labels = volume(((2, 6), (2, 6), (2, 6)))
    labels[3] *= 7

    assert score(labels, (labels > 0).astype(np.uint8)).measures["dice"] == 1


def test_both_empty():
    assert score(volume(), volume()).measures == {
        "dice": 1,
        "lesion_f1": 1,
        "absolute_volume_difference_ml": 0,
        "absolute_lesion_count_difference": 0,
    }


@pytest.mark.parametrize("swapped", [False, True])
def test_one_empty(swapped):
    pair = [volume(((2, 4), (2, 7), (2, 12))), volume()]

    found = score(*(pair[::-1] if swapped else pair), spacing=(1.0, 2.0, 5.0)).measures

    assert found == {
        "dice": 0,
        "lesion_f1": 0,
        "absolute_volume_difference_ml": 1.0,
        "absolute_lesion_count_difference": 1,
    }


def test_lesions_are_listed_with_place_and_size():
    lesion = score(
        volume(((4, 6), (2, 4), (2, 4))), volume(((4, 6), (2, 4), (2, 8))), (1.0, 1.0, 2.0)
    ).lesions[0]

    assert (lesion.kind, lesion.size, lesion.centre) == ("matched", 16, (4.5, 2.5, 2.5))
    assert lesion.dice == pytest.approx(2 * 8 / (8 + 24))
    assert lesion.hd95_mm == 8


@pytest.mark.parametrize("rules", [ISLES2022, ISLES2024, ISLES2026])
def test_the_policy_and_the_words_cover_every_measure(rules):
    text = "\n".join(rules.policy)
    of_map = rules.score_map(volume() > 0, np.zeros((20, 20, 20))) if rules.score_map else {}

    found = {**score(volume(), volume(), rules=rules).measures, **of_map}

    assert list(found) == list(rules.measures)
    assert all(measure in text for measure in rules.measures)


class TestOneToOne:
    def test_a_bridge_finds_one_of_its_lesions(self):
        lesions = volume(((2, 4), (2, 4), (2, 6)), ((2, 4), (2, 4), (8, 12)))
        bridge = volume(((2, 4), (2, 4), (2, 12)))

        found = score(lesions, bridge, rules=ISLES2024)

        # IoU 0.4 with both: one TP, one FN
        assert found.measures["lesion_f1"] == pytest.approx(1 / 1.5)
        assert sorted(lesion.kind for lesion in found.lesions) == ["matched", "missed"]

    @pytest.mark.parametrize(
        ("rules", "length", "found"),
        [(ISLES2024, 10, 1), (ISLES2024, 11, 0), (ISLES2026, 8, 1), (ISLES2026, 9, 0)],
    )
    def test_iou_of_a_fifth_or_a_quarter_is_enough(self, rules, length, found):
        lesion = volume(((2, 3), (2, 3), (2, 4)))
        longer = volume(((2, 3), (2, 3), (2, 2 + length)))

        measures = score(lesion, longer, rules=rules).measures

        assert measures["lesion_f1"] == found
        assert measures["dice"] == pytest.approx(4 / (2 + length))  # that of the masks either way

    def test_empty_masks_are_those_of_2022(self):
        lesion = volume(((2, 4), (2, 7), (2, 12)))

        for pair in ((volume(), volume()), (lesion, volume()), (volume(), lesion)):
            assert score(*pair, rules=ISLES2024).measures == score(*pair).measures
