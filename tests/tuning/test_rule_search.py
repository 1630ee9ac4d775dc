"""Rules found on predictions whose faults are known, in 2-D and 3-D."""

import nibabel
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol
from inspire_med.inference.postprocess import Postprocessing, RegionRules
from inspire_med.inference.sliding_window import HALF, ONE
from inspire_med.tuning.example import Example
from inspire_med.tuning.rule_search import Measure, passes, scores_under, search_rules, steps

REGIONS = {"lesion": (1,)}
AFFINE = np.diag([2.0, 2, 2.5, 1])  # 0.01 ml a voxel


def volume(folder, index, reference, chances):
    label, found = folder / f"{index}.nii.gz", folder / f"{index}_prob.nii.gz"
    nibabel.save(nibabel.Nifti1Image(reference.astype(np.uint8), AFFINE), label)
    nibabel.save(nibabel.Nifti1Image(chances.astype(np.float32)[..., None], AFFINE), found)
    return Example(str(index), index % 2, label, found)


def picture(folder, index, reference, chances):
    label, found = folder / f"{index}.png", folder / f"{index}_prob.png"
    Image.fromarray(255 * reference.astype(np.uint8)).save(label)
    Image.fromarray(np.rint(255 * chances).astype(np.uint8)).save(found)
    return Example(str(index), index % 2, label, found)


def lesion_and_speck(dims, index):
    """A lesion that is found, and a speck of 4 voxels far from it that is none."""
    shape = (24, 20) if dims == 2 else (24, 20, 9)
    reference = np.zeros(shape, bool)
    reference[3:11, 4 : 10 + index % 3] = True
    chances = np.where(reference, 0.95, 0.1)
    chances[(slice(18, 20), slice(15, 17), *[4] * (dims - 2))] = 0.92  # by no threshold alone
    return reference, chances


def searched(examples, dims, name="segmentation", regions=REGIONS):
    return search_rules(
        examples,
        regions,
        Measure.of(protocol(name)),
        spatial_dims=dims,
        workers=1,
        advance=lambda: None,
    )


@pytest.mark.parametrize(("dims", "write"), [(2, picture), (3, volume)])
def test_specks_are_removed(tmp_path, dims, write):
    examples = [write(tmp_path, index, *lesion_and_speck(dims, index)) for index in range(9)]

    found = searched(examples, dims)

    rules = found.rules
    # The smallest size that removes 4 voxels of 0.01 ml, or of 0.21 % of the picture each.
    least = 0.05 if dims == 3 else 1.0
    assert rules.regions == {"lesion": RegionRules(smallest_part=least)}
    (kept,) = (each for each in rules.found if each["kept"])
    sizes = [lesion_and_speck(dims, index)[0].sum() for index in range(9)]
    gains = [1 - 2 * size / (2 * size + 4) for size in sizes]
    assert kept["rule"] == "smallest_part"
    assert kept["gain"] == pytest.approx(np.mean(gains), abs=1e-4)
    assert kept["n"] == 9
    np.testing.assert_allclose(found.before[:, 0], 1 - np.array(gains))
    np.testing.assert_allclose(found.after, 1)


def test_a_threshold_and_holes_are_found_one_after_the_other(tmp_path):
    examples = []
    for index in range(9):
        reference, chances = lesion_and_speck(3, index)
        chances = np.where(reference, 0.45, 0.1)  # found from 0.4 on
        chances[5, 6, 4] = 0.05  # a cavity that is none
        examples.append(volume(tmp_path, index, reference, chances))

    rules = searched(examples, 3).rules

    # Of thresholds that are as good, the one nearest to a half.
    assert rules.regions == {"lesion": RegionRules(threshold=0.4, fill_holes=True)}


def test_what_is_right_is_left_alone(tmp_path):
    examples = []
    for index in range(6):
        reference, _ = lesion_and_speck(3, index)
        examples.append(volume(tmp_path, index, reference, np.where(reference, 0.8, 0.2)))

    rules = searched(examples, 3).rules

    assert rules.regions == {}
    assert not any(each["kept"] for each in rules.found)
    assert [each["rule"] for each in rules.found] == [
        "threshold",
        "fill_holes",
        "smallest_part",
        "largest_only",
        "smallest_total",
    ]


def test_specks_of_few_cases_are_not_believed(tmp_path):
    examples = [volume(tmp_path, index, *lesion_and_speck(3, index)) for index in range(4)]

    assert searched(examples, 3).rules.regions == {}


def test_the_measure_is_the_protocol_s_first_where_it_is_of_masks():
    assert Measure.of(protocol("brats2023-gli")).name == "lesionwise_dice"
    assert Measure.of(protocol("isles2022")).name == "dice"
    assert Measure.of(protocol("polyp-pranet")).name == "dice"


def test_a_score_is_the_protocol_s(tmp_path):
    reference, chances = lesion_and_speck(3, 0)
    example = volume(tmp_path, 0, reference, chances)
    measure = Measure.of(protocol("brats2023-gli"))
    rules = RegionRules(), RegionRules(smallest_part=0.05), RegionRules(0.96)
    options = [Postprocessing({"lesion": each}) for each in rules]

    scores = scores_under(options, REGIONS, measure, example)

    np.testing.assert_allclose(scores, [[0.5], [1.0], [0.0]])  # a spurious lesion counts 0


NESTED = {"whole": (1, 2), "core": (1,)}


def nested(folder, index, speck=0.9, rim=0.9):
    """A core at the rim of a whole, and a speck of core where there is no whole."""
    labels = np.zeros((24, 20, 9), np.uint8)
    labels[3:11, 4 : 10 + index % 3] = 2
    labels[3:6, 5:8] = 1
    whole = np.where(labels > 0, 0.9, 0.1)
    whole[labels == 1] = rim
    core = np.where(labels == 1, 0.9, 0.1)
    core[18:20, 15:17, 4] = speck
    label, found = folder / f"{index}.nii.gz", folder / f"{index}_prob.nii.gz"
    nibabel.save(nibabel.Nifti1Image(labels, AFFINE), label)
    nibabel.save(nibabel.Nifti1Image(np.stack([whole, core], -1).astype("f4"), AFFINE), found)
    return Example(str(index), index % 2, label, found)


def test_a_rule_gains_nothing_by_what_is_never_written(tmp_path):
    """A speck of core outside of the whole is not painted, with or without a rule for it."""
    examples = [nested(tmp_path, index) for index in range(9)]

    found = searched(examples, 3, regions=NESTED)

    assert len(found.rules.found) == passes(3, NESTED) == 10
    assert found.rules.regions == {}
    assert all(each["gain"] == 0 for each in found.rules.found)
    np.testing.assert_array_equal(found.before, 1)


def test_a_rule_of_a_region_counts_for_those_inside_it(tmp_path):
    """A core that the whole does not reach is not written until the whole's threshold is lower."""
    measure = Measure.of(protocol("segmentation"))
    example = nested(tmp_path, 0, rim=0.45)
    options = Postprocessing(), Postprocessing({"whole": RegionRules(threshold=0.4)})

    plain, ruled = scores_under(options, NESTED, measure, example)

    # Of 8 x 6 voxels a plane 3 x 3 are core.
    assert plain == pytest.approx([2 * 39 / (39 + 48), 0.0])
    assert ruled == [1.0, 1.0]


def test_two_regions_are_tried_one_after_the_other(tmp_path):
    """The core's rule is tried on the whole's that was kept: with it, it gains no more."""
    examples = [nested(tmp_path, index, rim=0.45) for index in range(11)]

    found = searched(examples, 3, regions=NESTED)

    assert found.rules.regions == {"whole": RegionRules(threshold=0.4)}
    first, second, *_ = found.rules.found
    assert (first["region"], first["kept"]) == ("whole", True)
    assert (second["region"], second["value"], second["gain"]) == ("core", None, 0)
    gains = (found.after - found.before).mean(axis=1)  # a rule's gain is the mean over regions
    assert first["gain"] == pytest.approx(gains.mean(), abs=1e-4)


SHARES = np.arange(ONE + 1, dtype=np.uint16)  # all that predict compares with a threshold


@pytest.mark.parametrize("threshold", [*steps(2)["threshold"], 0.5])
def test_a_threshold_finds_the_same_pixels_in_maps_of_eight_bits(threshold):
    """One half itself, which 8 bits round up, is alone; and no rule is found by it."""
    shares = SHARES[SHARES != HALF] if threshold == 0.5 else SHARES

    grey = np.rint(shares.astype(np.float32) / np.float32(ONE) * 255).astype(np.uint8)
    read = grey.astype(np.float32) / np.float32(255)

    np.testing.assert_array_equal(read > threshold, shares > threshold * ONE)


@pytest.mark.parametrize("threshold", [*steps(3)["threshold"], 0.5])
def test_a_threshold_finds_the_same_voxels_in_maps_of_floats(threshold):
    read = SHARES.astype(np.float32) / np.float32(ONE)

    np.testing.assert_array_equal(read > threshold, threshold * ONE < SHARES)


def test_a_reference_whose_axes_are_stored_otherwise_lies_where_it_lies(tmp_path):
    reference, chances = lesion_and_speck(3, 0)
    example = volume(tmp_path, 0, reference, chances)
    mirrored = AFFINE @ np.array([[-1, 0, 0, 23], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(reference[::-1].astype(np.uint8), mirrored), example.label)

    opened = example.open(REGIONS)

    np.testing.assert_array_equal(opened.maps["lesion"][::-1] > 0.935, reference)
    np.testing.assert_array_equal(opened.references["lesion"][::-1], reference)


def test_a_reference_that_lies_elsewhere_is_refused(tmp_path):
    reference, chances = lesion_and_speck(3, 0)
    example = volume(tmp_path, 0, reference, chances)
    elsewhere = AFFINE.copy()
    elsewhere[0, 3] = 5.0
    nibabel.save(nibabel.Nifti1Image(reference.astype(np.uint8), elsewhere), example.label)

    with pytest.raises(InputError, match=r"0_prob\.nii\.gz: is not on the grid of .*0\.nii\.gz"):
        example.open(REGIONS)


@pytest.mark.parametrize("name", ["brats2023-gli", "brats2026-gli", "brats2026-met", "isles2022"])
def test_nothing_where_nothing_is_scores_one(name):
    empty = np.zeros((4, 4, 4), bool)

    assert Measure.of(protocol(name))(empty, empty, (1.0, 1.0, 1.0)) == 1.0
    assert Measure.of(protocol(name))(empty, ~empty, (1.0, 1.0, 1.0)) == 0.0


def test_a_case_of_which_a_protocol_has_no_value_favours_no_mask():
    """`brats2026-met` compares large lesions alone, and of small ones has no Dice."""
    small = np.zeros((9, 9, 9), bool)
    small[4, 4, 4:6] = True
    measure = Measure.of(protocol("brats2026-met"))

    assert measure(small, small, (1.0, 1.0, 1.0)) == 1.0
    assert measure(small, np.zeros_like(small), (1.0, 1.0, 1.0)) == 1.0
