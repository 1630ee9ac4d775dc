import nibabel as nib
import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.imaging.labels import LabelMap, read_labels
from inspire_med.imaging.resample import on_grid_of


def volume(labels, affine, name):
    labels = np.asarray(labels, dtype=np.uint8)
    return LabelMap(labels, (1.0,) * labels.ndim, np.asarray(affine, dtype=float), name)


def moved(affine, shift):
    affine = np.array(affine, dtype=float)
    affine[:3, 3] += shift
    return affine


def nearest_by_loops(reference, prediction):
    """Each reference voxel takes the label of the prediction's voxel that it lies in."""
    inverse = np.linalg.inv(prediction.affine)
    found = np.zeros(reference.labels.shape, dtype=int)
    for place in np.ndindex(reference.labels.shape):
        world = reference.affine @ [*place, 1]
        at = np.rint((inverse @ world)[:3]).astype(int)
        if all(0 <= a < size for a, size in zip(at, prediction.labels.shape, strict=True)):
            found[place] = prediction.labels[tuple(at)]
    return found


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.9, 1.1, 0.7, 1.0]),
        moved(np.eye(4), [1.2, -2.3, 0.4]),
        [[0, -1, 0, 4.1], [1, 0, 0, -0.3], [0, 0, 1, 0.2], [0, 0, 0, 1]],
    ],
    ids=["another size", "moved", "turned"],
)
def test_volumes_meet_where_their_affines_put_them(affine):
    random = np.random.default_rng(0)
    reference = volume(np.zeros((5, 6, 7)), np.eye(4), "a")
    prediction = volume(random.integers(0, 5, (4, 7, 9)), affine, "b")

    found = on_grid_of(reference, prediction)

    assert (found.labels == nearest_by_loops(reference, prediction)).all()
    assert found.labels.any()
    assert found.labels.dtype == np.uint8
    assert (found.affine == reference.affine).all()
    assert found.note == "b: resampled onto its reference's grid, nearest neighbour."


def test_a_voxel_reaches_to_its_own_border():
    # voxels of 2 mm whose borders are those of the fine ones: every fine voxel lies within one
    coarse = volume(np.ones((2, 2, 2)), moved(np.diag([2, 2, 2, 1]), 0.5), "b")

    assert on_grid_of(volume(np.zeros((4, 4, 4)), np.eye(4), "a"), coarse).labels.all()


def test_a_map_on_the_grid_comes_back_as_it_is():
    reference = volume(np.zeros((3, 4, 5)), np.eye(4), "a")
    prediction = volume(np.ones((3, 4, 5)), moved(np.eye(4), 0.01), "b")

    assert on_grid_of(reference, prediction) is prediction


@pytest.mark.parametrize("slices", [(), (1,)])
def test_flat_files_are_one_slice(tmp_path, slices):
    # half the size along both axes: each pixel of the one is four of the other
    coarse = np.array([[0, 1, 2], [3, 4, 0]], dtype=np.uint8)
    fine = np.zeros((4, 6), dtype=np.uint8)
    first = np.diag([1.0, 1.0, 1.0, 1.0])
    second = moved(np.diag([2.0, 2.0, 1.0, 1.0]), [0.5, 0.5, 0.1])
    nib.save(nib.Nifti1Image(fine, first), tmp_path / "a.nii.gz")
    nib.save(nib.Nifti1Image(coarse.reshape(2, 3, *slices), second), tmp_path / "b.nii.gz")
    reference, prediction = (read_labels(tmp_path / f"{name}.nii.gz") for name in "ab")

    found = on_grid_of(reference, prediction)

    assert (found.labels == coarse.repeat(2, axis=0).repeat(2, axis=1)).all()
    assert found.spacing_mm == reference.spacing_mm


def test_images_show_the_same_view_at_another_size():
    coarse = np.array([[0, 200], [7, 0]], dtype=np.uint8)  # nothing between may come up
    prediction = LabelMap(coarse, (1.0, 1.0), None, "b.png", "Said before.")
    reference = LabelMap(np.zeros((4, 6), dtype=np.uint8), (1.0, 1.0), None, "a.png")

    found = on_grid_of(reference, prediction)

    assert (found.labels == coarse.repeat(2, axis=0).repeat(3, axis=1)).all()
    assert found.note == (
        "Said before. b.png: resampled onto its reference's grid, nearest neighbour."
    )


def test_refuses_another_shape_where_nothing_says_where_it_lies():
    reference = volume(np.zeros((3, 4, 5)), np.eye(4), "a")
    prediction = LabelMap(np.zeros((3, 4, 6), dtype=np.uint8), (1.0,) * 3, None, "b")

    with pytest.raises(
        InputError,
        match=r"b: shape \(3, 4, 6\), but its reference a has .*and no affine says where it lies",
    ):
        on_grid_of(reference, prediction)
