import nibabel
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.placement import Placement
from inspire_med.inference.predictor import Prediction

AFFINE = np.array([[-1.5, 0, 0, 90], [0, 1.5, 0, -20], [0, 0, 5, 7], [0, 0, 0, 1.0]])


@pytest.fixture
def volume() -> Prediction:
    labels = np.zeros((20, 11, 7), np.uint8)
    labels[2:7, 3, :3] = 4
    labels[0, 0, 0] = 1
    placement = Placement.of_volume(Grid((20, 11, 7), AFFINE), Turn.none(3), None, None, None)
    return Prediction(labels[None] > 0, labels, placement, {"WT": (1, 4), "ET": (4,)})


@pytest.fixture
def picture() -> Prediction:
    labels = np.zeros((48, 40), np.uint8)
    labels[4:6, 5:9] = 1
    return Prediction(labels[None] > 0, labels, Placement.of_picture((48, 40), None), {"a": (1,)})


def test_a_volume_is_told_by_size_spacing_regions_and_labels(volume):
    assert repr(volume) == (
        "Prediction(20 x 11 x 7 voxels of 1.5 x 1.5 x 5 mm; regions WT, ET; "
        "labels {0: 1,524, 1: 1, 4: 15})"
    )


def test_a_picture_is_told_in_pixels(picture):
    assert repr(picture) == "Prediction(48 x 40 pixels; regions a; labels {0: 1,912, 1: 8})"


def test_a_saved_volume_lies_where_its_case_does(tmp_path, volume):
    volume.save(str(tmp_path / "mask.nii.gz"))

    read = nibabel.load(tmp_path / "mask.nii.gz")
    assert np.array_equal(np.asarray(read.dataobj), volume.labels)
    assert np.array_equal(read.affine, AFFINE)


def test_a_saved_picture_is_black_and_white(tmp_path, picture):
    picture.save(tmp_path / "mask.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "mask.png")), 255 * picture.labels)


def test_nothing_is_overwritten_unless_told(tmp_path, volume):
    path = tmp_path / "mask.nii.gz"
    path.write_text("somebody's")

    with pytest.raises(InputError, match="mask.nii.gz: exists already; .*overwrite=True"):
        volume.save(path)
    assert path.read_text() == "somebody's"

    volume.save(path, overwrite=True)
    assert nibabel.load(path).shape == (20, 11, 7)


@pytest.mark.parametrize(("kind", "ending"), [("volume", ".nii.gz"), ("picture", ".png")])
def test_a_mask_is_not_written_as_another_kind_of_file(tmp_path, request, kind, ending):
    with pytest.raises(InputError, match=f"mask.jpg: this mask is no such file; .*{ending}"):
        request.getfixturevalue(kind).save(tmp_path / "mask.jpg")
    assert list(tmp_path.iterdir()) == []
