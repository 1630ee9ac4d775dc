"""The lesion-wise scores of 2024 and 2025 against a second implementation, and values by hand.

The second implementation takes the steps of the published scripts one by one, on the whole volume.
The Hausdorff distance it shares with the package.
"""

import math

import numpy as np
import pytest
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    distance_transform_edt,
    gaussian_filter,
    generate_binary_structure,
    label,
)

from inspire_med.errors import InputError
from inspire_med.evaluation.case import score_maps, score_masks
from inspire_med.evaluation.measures.surface import hausdorff_mm, surface_distances
from inspire_med.evaluation.protocols.brats2024 import BRATS2024, BRATS2025, border_nsd
from inspire_med.imaging.labels import LabelMap

PROTOCOLS = {rules.name: rules for rules in (*BRATS2024, *BRATS2025)}
GLI, MET, SSA = "brats2025-gli", "brats2025-met", "brats2025-ssa"
MEN, MENRT, PED = "brats2025-men", "brats2025-menrt", "brats2025-ped"
MET_2024 = "brats2024-met"
EIGHTEEN = generate_binary_structure(3, 2)
TWENTY_SIX = generate_binary_structure(3, 3)


def score(reference, prediction, name, spacing=(1.0, 1.0, 1.0)):
    maps = (LabelMap(labels, spacing, None, "array") for labels in (reference, prediction))
    return score_maps(*maps, PROTOCOLS[name], regions=PROTOCOLS[name].regions)


def joined(mask, steps):
    """Number of the lesion of each voxel."""
    wide = binary_dilation(mask, EIGHTEEN, steps) if steps else mask
    return label(wide, TWENTY_SIX)[0] * mask


def agreement(reference, prediction, spacing, tolerance):
    """The share of border voxels, with distances over the whole volume."""
    if not reference.any() or not prediction.any():
        return float(not reference.any() and not prediction.any())
    borders = [mask & ~binary_erosion(mask) for mask in (reference, prediction)]
    shares = [
        np.mean(distance_transform_edt(~other, spacing)[border] <= tolerance)
        for border, other in (borders, borders[::-1])
    ]
    return sum(shares) / 2


def distance(reference, prediction, spacing, penalty):
    found = hausdorff_mm(surface_distances(reference, prediction, spacing))
    return penalty if math.isinf(found) else found


def rule(name, region, voxel):
    """Dilations, mm3 that count, dilations of the prediction, voxels taken out, joined by."""
    if name == GLI:
        steps, size = 5 if region in ("NETC", "RC") else 3, 10 if region == "ET" else 20
        by = {
            "NETC": ("ET", "RC"),
            "ET": ("NETC", "RC"),
            "RC": ("ET", "NETC"),
            "SNFH": ("ET", "RC", "NETC"),
        }
        return steps, size, steps, size, by.get(region, ())
    return {
        MEN: (1, 50, 0, 0, ()),
        MENRT: (1, 50, 1, 50 / voxel, ()),
        MET: (1, 2, 1, 2, ("NETC",) if region == "ET" else ()),
        MET_2024: (1, 2, 1, 2, ("NETC",) if region == "ET" else ()),
        PED: (5, 10, 5, 10, ()),
        SSA: (3, 50, 3, 50, ("NETC",) if region == "ET" else ()),
    }[name]


def numbered(labels, values, steps, removed):
    lesions = joined(np.isin(labels, values), steps)
    for number in np.unique(lesions[lesions > 0]):
        if (lesions == number).sum() <= removed:
            lesions[lesions == number] = 0
    return lesions


def joined_by(lesions, others):
    """Lesions get the number of the first of the others they touch; pair by pair."""
    found = lesions.copy()
    for number in np.unique(lesions[lesions > 0]):
        wide = binary_dilation(lesions == number, EIGHTEEN)
        touched = others[wide & (others > 0)]
        if len(touched):
            found[lesions == number] = 10**6 + touched.min()
    return found


def by_the_steps(labels, spacing, name, region):
    voxel = spacing[0] * spacing[1] * spacing[2]
    values = PROTOCOLS[name].regions[region]
    shape = labels[0].shape
    penalty = {GLI: 337, MENRT: math.hypot(*shape), MET: math.hypot(*shape)}.get(name, 374)
    count_spurious = name != MENRT
    steps, larger_than, predicted_steps, removed, tissues = rule(name, region, voxel)
    reference = np.isin(labels[0], values)
    lesions = numbered(labels[0], values, steps, 0)
    parts = numbered(labels[1], values, predicted_steps, removed)
    for tissue in tissues:
        steps_of, _, predicted_of, removed_of, _ = rule(name, tissue, voxel)
        value = {"NETC": (1,), "ET": (3,), "RC": (4,)}[tissue]
        lesions = joined_by(lesions, numbered(labels[0], value, steps_of, 0))
        parts = joined_by(parts, numbered(labels[1], value, predicted_of, removed_of))
    ever_hit, rows, found = set(), [], 0
    for number in np.unique(lesions[lesions > 0]):
        lesion = lesions == number
        hits = set(parts[binary_dilation(lesion, EIGHTEEN, steps)].tolist()) - {0}
        ever_hit |= hits
        if not lesion.sum() * voxel > larger_than:
            continue
        answer = np.isin(parts, list(hits))
        found += bool(hits)
        rows.append(
            [
                2 * (lesion & answer).sum() / (lesion.sum() + answer.sum()),
                distance(lesion, answer, spacing, penalty),
                agreement(lesion, answer, spacing, 0.5),
                agreement(lesion, answer, spacing, 1.0),
            ]
        )
    spurious = len(set(parts.ravel().tolist()) - {0} - ever_hit)
    counting = spurious * count_spurious
    total = len(rows) + counting
    sums = np.sum([[0, 0, 0, 0], *rows, *[[0, penalty, 0, 0]] * counting], axis=0)
    dice, hd95_mm, near, nearer = sums / total if total else (1, 0, 1, 1)
    left = parts > 0
    both = reference.sum() + left.sum()
    return {
        "dice": 2 * (reference & left).sum() / both if both else 1,
        "recall": (reference & left).sum() / reference.sum() if reference.any() else not both,
        "specificity": (~reference & ~left).sum() / max((~reference).sum(), 1),
        "lesionwise_dice": dice,
        "lesionwise_hd95_mm": hd95_mm,
        "lesionwise_nsd@0.5mm": near,
        "lesionwise_nsd@1mm": nearer,
        "lesions_tp": found,
        "lesions_fp": spurious,
        "lesions_fn": len(rows) - found,
        "hd95_mm": distance(reference, left, spacing, penalty),
        "nsd@0.5mm": agreement(reference, left, spacing, 0.5),
        "nsd@1mm": agreement(reference, left, spacing, 1.0),
    }


def random_labels(rng, kinds):
    """Blobs, alike in reference and prediction, some of them noise."""
    shape = tuple(rng.integers(14, 30, size=3))
    truth, error = (
        gaussian_filter(rng.normal(size=shape), rng.uniform(0.8, 1.8)) for _ in range(2)
    )
    answer = truth + rng.uniform(0, 0.8) * error
    levels = np.quantile(error, np.linspace(0, 1, kinds + 1)[1:-1])
    kind = 1 + np.digitize(error, levels)
    level = np.quantile(truth, rng.uniform(0.85, 0.995))
    reference, prediction = (np.where(each > level, kind, 0) for each in (truth, answer))
    prediction[rng.random(shape) < rng.choice([0, 0.002])] = 1
    return reference.astype(np.uint8), prediction.astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*(rules.name for rules in BRATS2025), MET_2024])
@pytest.mark.parametrize(
    "spacing", [(1.0, 1.0, 1.0), (0.5, 1.0, 3.0), (0.5, 0.5, 0.5)], ids=["1mm", "aniso", "fine"]
)
def test_equals_the_published_steps(name, spacing):
    regions = PROTOCOLS[name].regions
    rng = np.random.default_rng([len(name), int(10 * spacing[0])])
    for _ in range(5):
        labels = random_labels(rng, max(max(values) for values in regions.values()))

        scored = score(*labels, name, spacing)

        for region in regions:
            expected = by_the_steps(labels, spacing, name, region)
            known = {measure: expected[measure] for measure in PROTOCOLS[name].measures}
            assert scored[region].measures == pytest.approx(known, abs=1e-12)


@pytest.mark.parametrize("name", ["gli", "menrt", "ped", "ssa"])
def test_rules_of_2024_are_those_of_2025_without_nsd(name):
    labels = random_labels(np.random.default_rng(1), 4 if name in ("gli", "ped") else 1)

    scored, later = (score(*labels, f"brats{year}-{name}") for year in (2024, 2025))

    assert not any("nsd" in measure for result in scored.values() for measure in result.measures)
    for region, result in scored.items():
        known = {measure: later[region].measures[measure] for measure in result.measures}
        assert result.measures == pytest.approx(known, abs=0)


def test_metastases_of_2024_have_another_penalty_and_no_cavity():
    reference = spots((4, 4, 4), size=4)
    nothing = np.zeros_like(reference)

    scored, later = (score(reference, nothing, name) for name in (MET_2024, MET))

    assert list(scored) == ["WT", "TC", "ET"]
    assert list(later) == ["WT", "TC", "ET", "RC"]
    for measure in ("hd95_mm", "lesionwise_hd95_mm"):
        assert scored["WT"].measures[measure] == 374
        assert later["WT"].measures[measure] == pytest.approx(math.sqrt(3) * 30)


def spots(*corners, size=1, shape=(30, 30, 30)):
    labels = np.zeros(shape, dtype=np.uint8)
    for corner in corners:
        labels[tuple(slice(start, start + size) for start in corner)] = 1
    return labels


def of(results, *measures):
    (result,) = results.values()
    return [result.measures[measure] for measure in measures]


def test_small_predicted_lesions_are_taken_out_where_the_rule_says_so():
    reference = spots((4, 4, 4), size=4)
    prediction = reference + spots((20, 20, 20), size=2)

    assert score(reference, prediction, PED)["ET"].measures["dice"] == 1
    assert score(reference, prediction, PED)["ET"].measures["lesions_fp"] == 0
    assert score(reference, prediction, MENRT)["GTV"].measures["dice"] == 1
    assert score(reference, prediction, MEN)["WT"].measures["dice"] == 2 * 64 / (64 + 72)
    assert score(reference, prediction, MEN)["WT"].measures["lesions_fp"] == 1


def test_the_bound_on_predicted_lesions_is_voxels_for_ped_and_mm3_for_men_rt():
    reference = np.zeros((30, 30, 30), dtype=np.uint8)
    prediction = spots((5, 5, 5), size=3)  # 27 voxels

    thick, thin = (1.0, 1.0, 2.0), (0.3, 0.3, 0.3)

    for spacing in (thick, thin):
        assert score(reference, prediction, PED, spacing)["ET"].measures["lesions_fp"] == 1
    assert of(score(reference, prediction, MENRT, thick), "lesions_fp") == [1]  # 54 mm3
    assert of(score(reference, prediction, MENRT), "lesions_fp") == [0]  # 27 mm3


def test_predicted_fragments_close_together_are_one_lesion_but_not_for_men():
    reference = spots((4, 4, 4), size=4)
    prediction = reference + spots((20, 20, 20), (20, 20, 26), size=4)

    assert score(reference, prediction, PED)["ET"].measures["lesions_fp"] == 1
    assert score(reference, prediction, MEN)["WT"].measures["lesions_fp"] == 2


def test_spurious_lesions_enter_no_mean_of_men_rt():
    reference = spots((4, 4, 4), size=4)
    prediction = reference + spots((20, 20, 20), size=5)

    found = score(reference, prediction, MENRT)

    assert of(found, "lesionwise_dice", "lesionwise_hd95_mm", "lesions_fp") == [1, 0, 1]
    assert [lesion.counted for lesion in found["GTV"].lesions] == [True, False]
    assert score(reference, prediction, MEN)["WT"].measures["lesionwise_dice"] == 0.5


def test_the_penalty_of_men_rt_is_the_diagonal_in_voxels():
    reference = spots((4, 4, 4), size=4, shape=(20, 30, 60))
    found = score(reference, np.zeros_like(reference), MENRT, (1.0, 1.0, 2.0))

    diagonal = math.sqrt(20**2 + 30**2 + 60**2)
    assert of(found, "lesionwise_hd95_mm", "hd95_mm") == [diagonal, diagonal]


@pytest.mark.parametrize(("name", "penalty"), [(MEN, 374), (PED, 374), (SSA, 374), (GLI, 337)])
def test_the_penalty_of_the_others_is_a_number(name, penalty):
    reference = spots((4, 4, 4), size=4)
    found = score(reference, np.zeros_like(reference), name)["WT"].measures

    assert found["lesionwise_hd95_mm"] == found["hd95_mm"] == penalty
    assert found["lesionwise_dice"] == found["lesionwise_nsd@1mm"] == found["nsd@1mm"] == 0


@pytest.mark.parametrize("name", PROTOCOLS)
def test_both_empty(name):
    nothing = spots()

    for result in score(nothing, nothing, name).values():
        agreed = {
            "dice": 1,
            "lesionwise_dice": 1,
            "lesionwise_hd95_mm": 0,
            "lesions_tp": 0,
            "lesions_fp": 0,
            "lesions_fn": 0,
            "lesionwise_nsd@0.5mm": 1,
            "lesionwise_nsd@1mm": 1,
            "recall": 1,
            "specificity": 1,
            "hd95_mm": 0,
            "nsd@0.5mm": 1,
            "nsd@1mm": 1,
        }
        assert result.measures == {name: agreed[name] for name in result.measures}


def test_nsd_counts_border_voxels_and_each_mask_half():
    reference = spots((5, 5, 5), size=4)
    prediction = reference.copy()
    prediction[5:9, 5:9, 9:13] = 1  # twice as long

    found = score(reference, prediction, MEN)["WT"].measures

    # 4 of the reference's 56 border voxels lie inside the prediction, 1 mm from its border; of the
    # prediction's 104, 52 are the reference's too, and the ring of 12 beside them is 1 mm away.
    assert found["nsd@0.5mm"] == pytest.approx((52 / 56 + 52 / 104) / 2)
    assert found["nsd@1mm"] == pytest.approx((1 + 64 / 104) / 2)


@pytest.mark.parametrize(("name", "lesions"), [(GLI, 1), (MET, 1), (SSA, 1), (MEN, 2)])
def test_enhancing_parts_at_the_two_ends_of_a_core_are_one_lesion(name, lesions):
    labels = spots(shape=(30, 30, 40))
    labels[5:9, 5:9, 5:25] = 1
    labels[5:9, 5:9, 5:9] = labels[5:9, 5:9, 21:25] = 3

    assert score(labels, labels, name)["ET"].measures["lesions_tp"] == lesions


def test_predicted_parts_are_joined_by_the_predicted_core():
    reference = spots(shape=(30, 30, 40))
    reference[5:9, 5:9, 5:9] = 3
    prediction = reference.copy()
    prediction[5:9, 5:9, 9:25] = 1
    prediction[5:9, 5:9, 21:25] = 3

    assert score(reference, prediction, MET)["ET"].measures["lesions_fp"] == 0
    assert score(reference, prediction, MEN)["ET"].measures["lesions_fp"] == 1


def test_the_mask_of_one_region_alone_is_refused_where_tissues_join():
    mask = spots((4, 4, 4), size=4) > 0

    with pytest.raises(InputError, match="protocol brats2025-met: joins lesions across tissues"):
        score_masks(mask, mask, (1.0, 1.0, 1.0), PROTOCOLS[MET])
    assert score_masks(mask, mask, (1.0, 1.0, 1.0), PROTOCOLS[PED]).measures["dice"] == 1


def test_regions_of_ped():
    labels = np.zeros((40, 40, 40), dtype=np.uint8)
    for value in (1, 2, 3, 4):
        labels[5:9, 5:9, 9 * value : 9 * value + 3] = value  # 48 voxels each
    found = score(labels, np.zeros_like(labels), PED)

    sizes = {region: sum(each.size for each in result.lesions) for region, result in found.items()}
    assert sizes == {"WT": 192, "TC": 144, "ET": 48, "NETC": 48, "CC": 48, "ED": 48}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_policy_and_the_words_cover_every_measure(name):
    rules = PROTOCOLS[name]
    text = "\n".join(rules.policy)

    for result in score(spots((3, 3, 3)), spots((3, 3, 3)), name).values():
        assert list(result.measures) == list(rules.measures)
        assert all(measure in text for measure in result.measures)


def test_a_tolerance_of_whole_steps_reaches_them_on_a_float32_grid():
    reference, prediction = np.zeros((2, 9, 3, 3), dtype=bool)
    reference[1, 1, 1], prediction[6, 1, 1] = True, True  # 5 steps of 0.1 mm

    assert border_nsd(reference, prediction, (float(np.float32(0.1)),) * 3) == {0.5: 1.0, 1.0: 1.0}
    assert border_nsd(reference, prediction, (float(np.float32(0.2)),) * 3) == {0.5: 0.0, 1.0: 1.0}
