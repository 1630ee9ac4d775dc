"""The lesion-wise scores against a second implementation, and against values known by hand.

The second implementation takes the published steps one by one: the whole volume, one dilation for
each lesion, no shortcut. It shares the Hausdorff distance with the package, which has tests of its
own.
"""

import nibabel
import numpy as np
import pytest
from examples import costly
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_dilation, gaussian_filter, generate_binary_structure, label

from inspire_med.evaluation.case import score_maps
from inspire_med.evaluation.measures.surface import hausdorff_mm, surface_distances
from inspire_med.evaluation.protocols.brats2023 import BRATS2023
from inspire_med.imaging.labels import LabelMap

PROTOCOLS = {rules.name: rules for rules in BRATS2023}
GLI = "brats2023-gli"
RULES = {  # dilations, mm3
    "brats2023-gli": (3, 50),
    "brats2023-ssa": (3, 50),
    "brats2023-ped": (3, 50),
    "brats2023-men": (1, 50),
    "brats2023-met": (1, 2),
}
LESIONWISE = (
    "lesionwise_dice",
    "lesionwise_hd95_mm",
    "lesions_tp",
    "lesions_fp",
    "lesions_fn",
)
EIGHTEEN = generate_binary_structure(3, 2)
TWENTY_SIX = generate_binary_structure(3, 3)


def score(reference, prediction, spacing=(1.0, 1.0, 1.0), name=GLI):
    maps = (LabelMap(labels, spacing, None, "array") for labels in (reference, prediction))
    return score_maps(*maps, PROTOCOLS[name], regions=PROTOCOLS[name].regions)


def of_et(*args, **options):
    return score(*args, **options)["ET"]


def lesionwise(result):
    return [result.measures[name] for name in LESIONWISE]


def blocks(*corners, size=4, shape=(40, 40, 40), value=3):
    """A label map with cubes; 4 x 4 x 4 voxels of 1 mm are 64 mm3, more than the 50 that count."""
    labels = np.zeros(shape, dtype=np.uint8)
    for corner in corners:
        labels[tuple(slice(start, start + size) for start in corner)] = value
    return labels


def by_the_steps(reference, prediction, spacing, steps, larger_than):
    numbers, lesions = label(binary_dilation(reference, EIGHTEEN, steps), TWENTY_SIX)
    parts, _ = label(prediction, TWENTY_SIX)
    ever_hit, dices, distances, found, missed = set(), [], [], 0, 0
    for number in range(1, lesions + 1):
        lesion = reference & (numbers == number)
        near = binary_dilation(lesion, EIGHTEEN, steps)
        hits = set(np.unique(parts[near])) - {0}
        ever_hit |= hits
        if not lesion.sum() * spacing[0] * spacing[1] * spacing[2] > larger_than:
            continue
        answer = np.isin(parts, list(hits))
        dices.append(2 * (lesion & answer).sum() / (lesion.sum() + answer.sum()))
        distance = hausdorff_mm(surface_distances(lesion, answer, spacing))
        distances.append(374 if np.isinf(distance) else distance)
        found, missed = found + bool(hits), missed + (not hits)
    spurious = len(set(np.unique(parts)) - {0} - ever_hit)
    number = len(dices) + spurious
    return [
        sum(dices) / number if number else 1,
        (sum(distances) + 374 * spurious) / number if number else 0,
        found,
        spurious,
        missed,
    ]


def random_labels(rng, spots):
    """Blobs, alike in reference and prediction, with `spots` of the prediction being noise."""
    shape = tuple(rng.integers(12, 28, size=3))
    truth, error = (
        gaussian_filter(rng.normal(size=shape), rng.uniform(0.6, 1.8)) for _ in range(2)
    )
    answer = truth + rng.uniform(0, 0.8) * error
    kinds = 1 + np.digitize(gaussian_filter(rng.normal(size=shape), 1.5), (-0.02, 0.02))
    level = np.quantile(truth, rng.uniform(0.8, 0.99))
    reference, prediction = (np.where(each > level, kinds, 0) for each in (truth, answer))
    noise = rng.random(shape) < spots
    prediction[noise] = rng.integers(1, 4, size=noise.sum())
    return reference.astype(np.uint8), prediction.astype(np.uint8)


@pytest.mark.parametrize("name", ["brats2023-gli", "brats2023-men", "brats2023-met"])
@costly
@given(
    numbers=st.tuples(*(st.integers(1, 9),) * 3).flatmap(
        lambda shape: st.tuples(*(arrays(np.uint8, shape, elements=st.integers(0, 40)),) * 2)
    ),
    spacing=st.sampled_from(((1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (0.9, 1.3, 6.0))),
)
def test_equals_the_published_steps_on_anything(name, numbers, spacing):
    reference, prediction = (np.where(each < 4, each, 0).astype(np.uint8) for each in numbers)

    scored = score(reference, prediction, spacing, name)

    for region, values in PROTOCOLS[name].regions.items():
        masks = np.isin(reference, values), np.isin(prediction, values)
        expected = by_the_steps(*masks, spacing, *RULES[name])
        assert lesionwise(scored[region]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("spots", [0, 0.003, 0.05], ids=["clean", "spots", "noise"])
@pytest.mark.parametrize(
    "spacing", [(1.0, 1.0, 1.0), (0.9, 1.3, 4.0), (0.5, 0.5, 0.5)], ids=["1mm", "aniso", "fine"]
)
def test_equals_the_published_steps(name, spots, spacing):
    rng = np.random.default_rng([len(name), int(1000 * spots), int(10 * spacing[0])])
    for _ in range(4):
        reference, prediction = random_labels(rng, spots)

        scored = score(reference, prediction, spacing, name)

        for region, values in PROTOCOLS[name].regions.items():
            masks = np.isin(reference, values), np.isin(prediction, values)
            expected = by_the_steps(*masks, spacing, *RULES[name])
            assert lesionwise(scored[region]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_equals_the_published_steps_on_a_real_tumour(real_data):
    """An answer that is moved, has lost a part and has spots."""
    path = sorted((real_data / "brats2018" / "HGG").glob("*/*_seg.nii.gz"))[0]
    reference = np.asarray(nibabel.load(path).dataobj).astype(np.uint8)
    reference[reference == 4] = 3
    prediction = np.roll(reference, 2, axis=0)
    prediction[:, : int(np.argwhere(prediction)[:, 1].mean()) - 10] = 0
    prediction[5:7, 5:7, 5:7] = prediction[200, 200, 100] = 3

    scored = score(reference, prediction)

    for region, values in PROTOCOLS[GLI].regions.items():
        masks = np.isin(reference, values), np.isin(prediction, values)
        expected = by_the_steps(*masks, (1.0, 1.0, 1.0), *RULES[GLI])
        assert lesionwise(scored[region]) == pytest.approx(expected, abs=1e-9)


class TestByHand:
    def test_the_same_mask_is_perfect(self):
        mask = blocks((5, 5, 5), (25, 25, 25))

        assert lesionwise(of_et(mask, mask)) == [1, 0, 2, 0, 0]

    def test_a_missed_and_a_spurious_lesion_cost_374_each(self):
        found = of_et(blocks((5, 5, 5), (25, 5, 5)), blocks((5, 5, 5), (5, 30, 30)))

        assert lesionwise(found) == pytest.approx([1 / 3, 2 * 374 / 3, 1, 1, 1])

    @pytest.mark.parametrize(("gap", "lesions"), [(6, 1), (7, 2)])
    def test_blocks_six_voxels_apart_are_one_lesion(self, gap, lesions):
        mask = blocks((2, 5, 5), (6 + gap, 5, 5))

        assert lesionwise(of_et(mask, mask))[2] == lesions

    @pytest.mark.parametrize("name", ["brats2023-men", "brats2023-met"])
    @pytest.mark.parametrize(("gap", "lesions"), [(2, 1), (3, 2)])
    def test_where_one_dilation_is_the_rule_two_voxels_apart(self, name, gap, lesions):
        mask = blocks((2, 5, 5), (6 + gap, 5, 5))

        assert lesionwise(of_et(mask, mask, name=name))[2] == lesions

    def test_blocks_that_touch_by_an_edge_or_a_corner_are_one_predicted_part(self):
        reference = blocks((5, 5, 5))
        for corner in ((28, 28, 24), (28, 28, 28)):
            prediction = blocks((5, 5, 5), (24, 24, 24), corner)
            assert lesionwise(of_et(reference, prediction))[3] == 1

    @pytest.mark.parametrize(("voxels", "counted"), [(49, False), (50, False), (51, True)])
    def test_exactly_50_mm3_do_not_count(self, voxels, counted):
        reference = np.zeros((20, 20, 20), dtype=np.uint8)
        reference[tuple(np.argwhere(np.ones((5, 5, 3)))[:voxels].T + 5)] = 3

        found = of_et(reference, np.zeros_like(reference))

        assert lesionwise(found) == ([0, 374, 0, 0, 1] if counted else [1, 0, 0, 0, 0])
        assert [lesion.counted for lesion in found.lesions] == [counted]

    def test_the_bound_is_mm3_not_voxels(self):
        reference = blocks((5, 5, 5), size=3)  # 27 voxels

        thick = of_et(reference, np.zeros_like(reference), spacing=(1.0, 1.0, 2.0))
        thin = of_et(blocks((5, 5, 5)), np.zeros_like(reference), spacing=(0.9, 0.9, 0.9))

        assert thick.measures["lesions_fn"] == 1  # 54 mm3
        assert thin.measures["lesions_fn"] == 0  # 64 voxels of 46.7 mm3

    def test_a_lesion_too_small_to_count_shields_what_hits_it(self):
        reference = blocks((5, 5, 5), size=2)
        found = of_et(reference, reference)

        assert lesionwise(found) == [1, 0, 0, 0, 0]
        assert [(lesion.kind, lesion.counted) for lesion in found.lesions] == [("matched", False)]

    def test_a_hit_in_the_rim_has_no_overlap_and_a_distance(self):
        reference = blocks((5, 5, 5))
        prediction = np.zeros_like(reference)
        prediction[11, 6, 6] = 3  # the block ends at 8: three steps away

        found = of_et(reference, prediction)

        assert found.measures["lesionwise_dice"] == 0
        assert found.measures["lesions_tp"] == 1
        assert found.measures["lesions_fp"] == 0
        assert 0 < found.measures["lesionwise_hd95_mm"] < 10

    def test_one_voxel_further_it_is_spurious(self):
        reference = blocks((5, 5, 5))
        prediction = np.zeros_like(reference)
        prediction[12, 6, 6] = 3

        assert lesionwise(of_et(reference, prediction)) == [0, 374, 0, 1, 1]

    def test_a_bridge_answers_both_lesions_with_its_whole(self):
        reference = blocks((5, 5, 5), (30, 5, 5))
        bridge = np.zeros_like(reference)
        bridge[5:34, 5:9, 5:9] = 3

        found = of_et(reference, bridge)

        whole = 29 * 16
        assert found.measures["lesions_tp"] == 2
        assert found.measures["lesionwise_dice"] == pytest.approx(2 * 64 / (64 + whole))

    def test_at_the_border_of_the_volume(self):
        mask = blocks((0, 0, 0), (36, 36, 36), (0, 36, 0))

        assert lesionwise(of_et(mask, mask)) == [1, 0, 3, 0, 0]

    def test_both_empty(self):
        nothing = np.zeros((9, 9, 9), dtype=np.uint8)
        found = of_et(nothing, nothing)

        assert lesionwise(found) == [1, 0, 0, 0, 0]
        assert found.measures["dice"] == found.measures["recall"] == 1
        assert found.measures["specificity"] == 1
        assert found.measures["hd95_mm"] == found.measures["assd_mm"] == 0
        assert found.lesions == ()

    def test_an_empty_prediction(self):
        reference = blocks((5, 5, 5))
        found = of_et(reference, np.zeros_like(reference))

        assert lesionwise(found) == [0, 374, 0, 0, 1]
        assert found.measures["dice"] == found.measures["recall"] == 0
        assert found.measures["hd95_mm"] == found.measures["assd_mm"] == 374

    def test_an_empty_reference(self):
        prediction = blocks((5, 5, 5), (5, 25, 25))
        found = of_et(np.zeros_like(prediction), prediction)

        assert lesionwise(found) == [0, 374, 0, 2, 0]
        assert found.measures["dice"] == found.measures["recall"] == 0
        assert found.measures["hd95_mm"] == 374
        assert found.measures["specificity"] == 1 - 128 / 40**3

    def test_specificity_without_any_background_is_zero(self):
        full = np.full((4, 4, 4), 3, dtype=np.uint8)

        assert of_et(full, full).measures["specificity"] == 0


def test_regions_are_made_of_the_labels_of_2023():
    reference = blocks((5, 5, 5), value=1) + blocks((5, 5, 20), value=2) + blocks((5, 5, 34))
    found = score(reference, np.zeros_like(reference))

    assert {region: result.measures["lesions_fn"] for region, result in found.items()} == {
        "WT": 3,
        "TC": 2,
        "ET": 1,
    }


def test_label_order_changes_nothing_but_the_names():
    rng = np.random.default_rng(5)
    reference, prediction = random_labels(rng, 0.003)
    table = np.array([0, 3, 1, 2], dtype=np.uint8)
    regions = {"WT": (1, 2, 3), "TC": (3, 2), "ET": (2,)}
    rules = PROTOCOLS[GLI]
    maps = [LabelMap(table[each], (1.0,) * 3, None, "array") for each in (reference, prediction)]

    renamed = score_maps(*maps, rules, regions=regions)

    plain = score(reference, prediction)
    assert {k: v.measures for k, v in renamed.items()} == {k: v.measures for k, v in plain.items()}


def test_lesions_are_listed_where_they_lie_in_the_volume():
    reference = blocks((5, 5, 5), (30, 30, 30))
    prediction = blocks((5, 5, 6), (5, 30, 5))

    matched, missed, spurious = of_et(reference, prediction, spacing=(1.0, 1.0, 2.0)).lesions

    assert (matched.kind, matched.size, matched.centre) == ("matched", 128, (6.5, 6.5, 6.5))
    assert (matched.dice, matched.hd95_mm) == (0.75, 2)
    assert (missed.kind, missed.centre, missed.dice) == ("missed", (31.5, 31.5, 31.5), 0)
    assert (spurious.kind, spurious.centre) == ("spurious", (6.5, 31.5, 6.5))


def test_the_challenges_scores_head_the_report():
    measures = list(of_et(blocks((5, 5, 5)), blocks((5, 5, 5))).measures)

    assert measures[:6] == [*LESIONWISE, "dice"]


@pytest.mark.parametrize("name", RULES)
def test_the_policy_and_the_words_cover_every_measure(name):
    rules = PROTOCOLS[name]
    measures = of_et(blocks((5, 5, 5)), blocks((5, 5, 5)), name=name).measures
    text = "\n".join(rules.policy)

    assert set(measures) <= set(rules.measures)
    assert all(measure in text for measure in measures)
    assert f"larger than {RULES[name][1]} mm3" in text
