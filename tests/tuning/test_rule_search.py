"""Rules found on predictions whose faults are known, in 2-D and 3-D."""

import nibabel
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol
from inspire_med.inference.postprocess import RegionRules
from inspire_med.tuning.example import Example
from inspire_med.tuning.rule_search import Measure, score_options, search_rules

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
    chances = np.where(reference, 0.9, 0.1)
    chances[(slice(18, 20), slice(15, 17), *[4] * (dims - 2))] = 0.8
    return reference, chances


def searched(examples, dims, name="segmentation"):
    return search_rules(
        examples,
        REGIONS,
        Measure.of(protocol(name)),
        spatial_dims=dims,
        workers=1,
        advance=lambda: None,
    )


@pytest.mark.parametrize(("dims", "write"), [(2, picture), (3, volume)])
def test_specks_are_removed(tmp_path, dims, write):
    examples = [write(tmp_path, index, *lesion_and_speck(dims, index)) for index in range(9)]

    rules = searched(examples, dims)

    # The smallest size that removes 4 voxels of 0.01 ml, or of 0.21 % of the picture each.
    least = 0.05 if dims == 3 else 1.0
    assert rules.regions == {"lesion": RegionRules(smallest_part=least)}
    (kept,) = (each for each in rules.found if each["kept"])
    sizes = [lesion_and_speck(dims, index)[0].sum() for index in range(9)]
    gains = [1 - 2 * size / (2 * size + 4) for size in sizes]
    assert kept["rule"] == "smallest_part"
    assert kept["gain"] == pytest.approx(np.mean(gains), abs=1e-4)
    assert kept["n"] == 9


def test_a_threshold_and_holes_are_found_one_after_the_other(tmp_path):
    examples = []
    for index in range(9):
        reference, chances = lesion_and_speck(3, index)
        chances = np.where(reference, 0.45, 0.1)  # found from 0.4 on
        chances[5, 6, 4] = 0.05  # a cavity that is none
        examples.append(volume(tmp_path, index, reference, chances))

    rules = searched(examples, 3)

    assert rules.regions == {"lesion": RegionRules(threshold=0.3, fill_holes=True)}


def test_what_is_right_is_left_alone(tmp_path):
    examples = []
    for index in range(6):
        reference, _ = lesion_and_speck(3, index)
        examples.append(volume(tmp_path, index, reference, np.where(reference, 0.8, 0.2)))

    rules = searched(examples, 3)

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

    assert searched(examples, 3).regions == {}


def test_the_measure_is_the_protocol_s_first_where_it_is_of_masks():
    assert Measure.of(protocol("brats2023-gli")).name == "lesionwise_dice"
    assert Measure.of(protocol("isles2022")).name == "dice"
    assert Measure.of(protocol("polyp-pranet")).name == "dice"


def test_a_score_is_the_protocol_s(tmp_path):
    reference, chances = lesion_and_speck(3, 0)
    example = volume(tmp_path, 0, reference, chances)
    measure = Measure.of(protocol("brats2023-gli"))
    options = {"lesion": [RegionRules(), RegionRules(smallest_part=0.05), RegionRules(0.95)]}

    scores = score_options(options, REGIONS, measure, example)["lesion"]

    assert scores == pytest.approx([0.5, 1.0, 0.0])  # a spurious lesion counts 0


def test_a_reference_whose_axes_are_stored_otherwise_lies_where_it_lies(tmp_path):
    reference, chances = lesion_and_speck(3, 0)
    example = volume(tmp_path, 0, reference, chances)
    mirrored = AFFINE @ np.array([[-1, 0, 0, 23], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(reference[::-1].astype(np.uint8), mirrored), example.label)

    opened = example.open(REGIONS)

    np.testing.assert_array_equal(opened.maps["lesion"][::-1] > 0.85, reference)
    np.testing.assert_array_equal(opened.references["lesion"][::-1], reference)


def test_a_reference_that_lies_elsewhere_is_refused(tmp_path):
    reference, chances = lesion_and_speck(3, 0)
    example = volume(tmp_path, 0, reference, chances)
    elsewhere = AFFINE.copy()
    elsewhere[0, 3] = 5.0
    nibabel.save(nibabel.Nifti1Image(reference.astype(np.uint8), elsewhere), example.label)

    with pytest.raises(InputError, match=r"0_prob\.nii\.gz: is not on the grid of .*0\.nii\.gz"):
        example.open(REGIONS)


@pytest.mark.parametrize("name", ["brats2023-gli", "brats2026-gli", "isles2022"])
def test_nothing_where_nothing_is_scores_one(name):
    empty = np.zeros((4, 4, 4), bool)

    assert Measure.of(protocol(name))(empty, empty, (1.0, 1.0, 1.0)) == 1.0
    assert Measure.of(protocol(name))(empty, ~empty, (1.0, 1.0, 1.0)) == 0.0
