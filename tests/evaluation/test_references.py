import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.protocols.segmentation import SEGMENTATION
from inspire_med.evaluation.references import parse_regions, references_of_folder


def folder_with(tmp_path, *label_sets):
    for number, values in enumerate(label_sets):
        labels = np.zeros((4, 4, 4), dtype=np.uint8)
        labels[0, 0, : len(values)] = values
        nib.save(nib.Nifti1Image(labels, np.eye(4)), tmp_path / f"{number}.nii.gz")
    return tmp_path


def test_each_value_found_anywhere_is_a_region(tmp_path):
    found = references_of_folder(folder_with(tmp_path, (1,), (4, 2)), None, SEGMENTATION, workers=1)

    assert found.regions == {"label 1": (1,), "label 2": (2,), "label 4": (4,)}
    assert sorted(found.masks) == ["0", "1"]


def test_named_regions_are_used_and_what_is_left_over_is_background(tmp_path):
    found = references_of_folder(
        folder_with(tmp_path, (1, 2, 4)), ["TC=1,4"], SEGMENTATION, workers=1
    )

    assert found.regions == {"TC": (1, 4)}
    assert found.background == (0, 2)
    assert found.notes == ("Label 2 is in no region and counts as background.",)


def test_pictures_have_one_region(tmp_path):
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "a.png")

    assert references_of_folder(tmp_path, None, SEGMENTATION, workers=1).regions == {
        "foreground": (1,)
    }


@pytest.mark.parametrize(
    ("rules", "words", "picture"),
    [
        (SEGMENTATION, None, False),
        (SEGMENTATION, ["TC=1"], False),
        (SEGMENTATION, None, True),
        (protocol("brats2021"), None, False),
    ],
)
def test_the_folder_is_named_as_where_they_come_from(tmp_path, rules, words, picture):
    if picture:
        Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "a.png")
    else:
        folder_with(tmp_path, (1,))

    found = references_of_folder(tmp_path, words, rules, workers=1)

    assert found.provenance == {"References": str(tmp_path)}


@pytest.mark.parametrize(
    ("stored", "words", "regions", "background"),
    [
        ([0, 255], ["a=1"], {"a": (1,)}, (0,)),  # black and white
        ([0, 1, 2, 3], ["a=1", "b=2"], {"a": (1,), "b": (2,)}, (0, 3)),
    ],
)
def test_named_regions_of_pictures_are_their_values(tmp_path, stored, words, regions, background):
    Image.fromarray(np.array([stored], dtype=np.uint8)).save(tmp_path / "a.png")

    found = references_of_folder(tmp_path, words, SEGMENTATION, workers=1)

    assert (found.regions, found.background) == (regions, background)


def test_refuses_only_empty_masks_without_named_regions(tmp_path):
    with pytest.raises(InputError, match="every mask is empty"):
        references_of_folder(folder_with(tmp_path, ()), None, SEGMENTATION, workers=1)


@pytest.mark.parametrize("word", ["WT", "WT=", "=1", "WT=1,x", "WT=0", "WT=1,,2"])
def test_refuses_a_region_that_is_not_name_and_values(word):
    with pytest.raises(InputError, match="is not NAME=VALUES"):
        parse_regions([word])


def test_refuses_a_region_named_twice():
    with pytest.raises(InputError, match="WT comes twice"):
        parse_regions(["WT=1", "WT=2"])


def test_reads_regions():
    assert parse_regions(["WT=1,2,4", "ET=4"]) == {"WT": (1, 2, 4), "ET": (4,)}


def test_a_reference_is_not_passed_over_for_its_name(tmp_path):
    for name in ("colon", "colon_prob"):
        Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / f"{name}.png")

    with pytest.raises(
        InputError, match=r"colon_prob\.png: has the name of a case's probabilities, and references"
    ):
        references_of_folder(tmp_path, None, SEGMENTATION, workers=1)
