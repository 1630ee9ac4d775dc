import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.restore import (
    labels_from_regions,
    resize,
    restore,
    write_mask,
    write_probabilities,
)

BRATS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
RECORD = {"shape": [6, 8, 5], "box": [[1, 5], [2, 8], [0, 3]], "size": [4, 6, 3]}
AFFINE = np.array([[-2.0, 0.1, 0, 9], [0.1, 2, 0, -7], [0, 0, 3, 4], [0, 0, 0, 1]])


def volume_record(shape):
    header = {"qform": AFFINE, "qform_code": 1, "sform": AFFINE, "sform_code": 1}
    header["units"] = ["mm", "unknown"]
    return {"kind": "volume", "shape": list(shape), "affine": AFFINE.tolist(), "header": header}


def test_puts_the_crop_back_and_leaves_the_rest_zero():
    values = np.random.default_rng(0).standard_normal((2, 4, 6, 3)).astype(np.float32)

    whole = restore(values, RECORD)

    assert whole.shape == (2, 6, 8, 5)
    np.testing.assert_array_equal(whole[:, 1:5, 2:8, 0:3], values)
    assert (whole[:, 0] == 0).all()


def test_undoes_a_change_of_size():
    ramp = np.linspace(0, 1, 8, dtype=np.float32)[None, None, :].repeat(6, axis=1)
    record = {"shape": [12, 32], "box": [[0, 12], [0, 32]], "size": [6, 8]}

    whole = restore(ramp, record)

    assert whole.shape == (1, 12, 32)
    # Pixels are cells: the eight values' centres lie at 2, 6, 10, ... of 32 minus a half.
    np.testing.assert_allclose(whole[0, 0, 1:3].mean(), ramp[0, 0, 0], atol=0.02)
    np.testing.assert_allclose(whole[0, 0, 5:7].mean(), ramp[0, 0, 1], atol=1e-6)


def test_resize_to_its_own_size_is_the_same_array():
    values = np.zeros((1, 4, 4), np.float32)

    assert resize(values, (4, 4)) is values


def test_nested_regions_become_the_sets_own_values():
    masks = np.array([[0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]], bool)

    # The last place is enhancing outside of the whole tumour, and so nothing.
    assert labels_from_regions(masks, BRATS).tolist() == [0, 2, 1, 4, 0]


def test_the_outermost_region_comes_back_as_it_was_found():
    masks = np.random.default_rng(0).random((3, 200)) > 0.5

    labels = labels_from_regions(masks, BRATS)

    np.testing.assert_array_equal(labels > 0, masks[0])


@pytest.mark.parametrize(
    ("regions", "values"),
    [
        (BRATS, (0, 1, 2, 4)),
        ({"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}, (0, 1, 2, 3)),
        ({"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)}, (0, 1, 2, 3)),
        ({"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,), "RC": (4,)}, (0, 1, 2, 3, 4)),
        ({"lesion": (1,)}, (0, 1)),
    ],
    ids=["brats2018", "brats2023", "msd", "brats2024", "isles"],
)
def test_labels_to_regions_and_back_is_the_same(regions, values):
    labels = np.random.default_rng(0).choice(values, (4, 5, 6)).astype(np.uint8)
    masks = np.stack([np.isin(labels, group) for group in regions.values()])

    np.testing.assert_array_equal(labels_from_regions(masks, regions), labels)


def test_a_volumes_mask_lies_where_the_volume_does(tmp_path):
    labels = np.random.default_rng(0).choice((0, 1, 4), (3, 4, 5)).astype(np.uint8)

    write_mask(tmp_path / "m.nii.gz", labels, volume_record(labels.shape))

    written = nib.load(tmp_path / "m.nii.gz")
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_allclose(written.affine, AFFINE, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels)


def test_a_pictures_mask_is_black_and_white(tmp_path):
    labels = np.array([[0, 1, 1], [0, 0, 1]], np.uint8)

    write_mask(tmp_path / "m.png", labels, {"kind": "picture"})

    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "m.png")), labels * 255)


def test_probabilities_of_a_volume_have_the_region_last(tmp_path):
    values = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32)

    write_probabilities(tmp_path / "p.nii.gz", values, volume_record((3, 4, 5)))

    written = nib.load(tmp_path / "p.nii.gz")
    assert written.shape == (3, 4, 5, 2)
    np.testing.assert_allclose(written.get_fdata(), np.moveaxis(values, 0, -1), atol=1e-6)


def test_probabilities_of_a_picture_are_grey(tmp_path):
    write_probabilities(
        tmp_path / "p.png", np.array([[[0.0, 0.5, 1.0]]], np.float32), {"kind": "picture"}
    )

    assert np.asarray(Image.open(tmp_path / "p.png")).tolist() == [[0, 128, 255]]
