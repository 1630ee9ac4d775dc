import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.probabilities import read_probabilities


def save(path, values):
    nib.save(nib.Nifti1Image(values.astype(np.float32), np.eye(4)), path)
    return path


def test_regions_lie_along_the_last_axis(tmp_path):
    values = np.random.default_rng(0).random((3, 4, 5, 2)).astype(np.float32)

    found = read_probabilities(save(tmp_path / "a_prob.nii.gz", values), ["WT", "ET"]).maps

    assert list(found) == ["WT", "ET"]
    assert found["ET"].dtype == np.float32
    assert (found["ET"] == values[..., 1]).all()


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 1), (3, 4)])
def test_one_region_needs_no_last_axis(tmp_path, shape):
    values = np.random.default_rng(0).random(shape)

    found = read_probabilities(save(tmp_path / "a_prob.nii.gz", values), ["lesion"]).maps

    assert found["lesion"].shape == shape[:3]
    assert (found["lesion"].ravel() == values.astype(np.float32).ravel()).all()


def test_of_images_white_is_one(tmp_path):
    Image.fromarray(np.array([[0, 51, 255]], dtype=np.uint8)).save(tmp_path / "a_prob.png")

    found = read_probabilities(tmp_path / "a_prob.png", ["polyp"])

    np.testing.assert_allclose(found.maps["polyp"], [[0, 0.2, 1]], rtol=1e-6)
    assert (found.affine, found.name) == (None, str(tmp_path / "a_prob.png"))


def test_a_volume_says_where_it_lies(tmp_path):
    affine = np.diag([1.0, 2.0, -3.0, 1.0])
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5, 2)), affine), tmp_path / "a_prob.nii.gz")

    found = read_probabilities(tmp_path / "a_prob.nii.gz", ["WT", "ET"])

    assert (found.affine == affine).all()
    assert found.name == str(tmp_path / "a_prob.nii.gz")


@pytest.mark.parametrize("regions", [["WT", "TC", "ET"], ["WT"]])
def test_refuses_another_number_of_regions(tmp_path, regions):
    path = save(tmp_path / "a_prob.nii.gz", np.zeros((3, 4, 5, 2)))

    with pytest.raises(InputError, match=rf"a_prob.nii.gz: shape .*2\), but {len(regions)} region"):
        read_probabilities(path, regions)


def test_maps_of_an_image_stand_one_below_the_other(tmp_path):
    Image.fromarray(np.zeros((5, 4), dtype=np.uint8)).save(tmp_path / "a_prob.png")

    with pytest.raises(InputError, match="5 rows, but 2 maps of one height are expected one below"):
        read_probabilities(tmp_path / "a_prob.png", ["one", "two"])


@pytest.mark.parametrize("value", [np.nan, -0.5, 1.01, np.inf])
def test_refuses_what_is_no_probability(tmp_path, value):
    values = np.full((3, 4, 5, 1), 0.5)
    values[1, 1, 1] = value

    with pytest.raises(InputError, match=r"a_prob.nii.gz: values from .* are no probabilities"):
        read_probabilities(save(tmp_path / "a_prob.nii.gz", values), ["lesion"])


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(InputError, match="no such file; predict with --probabilities"):
        read_probabilities(tmp_path / "a_prob.nii.gz", ["lesion"])


def test_a_truncated_file_is_named(tmp_path):
    path = save(tmp_path / "a_prob.nii.gz", np.random.default_rng(0).random((9, 9, 9, 2)))
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(InputError, match=r"a_prob.nii.gz: truncated or corrupt"):
        read_probabilities(path, ["a", "b"])


def test_refuses_a_coloured_image(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a_prob.png")

    with pytest.raises(InputError, match="of mode RGB; give 8-bit grey"):
        read_probabilities(tmp_path / "a_prob.png", ["polyp"])
