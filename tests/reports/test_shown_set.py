"""What can be leafed through: cases of a manifest or of a folder, beside the masks of a folder."""

import shutil
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from models import write_model_of

from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.reports.shown_set import shown_set


@pytest.fixture
def predicted(tmp_path):
    """Copies a manifest's labels as if they were predictions."""

    def copy(manifest, count=2, name="predictions"):
        folder = tmp_path / name
        folder.mkdir()
        for case in Manifest.load(manifest).cases[:count]:
            shutil.copy(case.label, folder / f"{case.id}{''.join(case.label.suffixes)}")
        return folder

    return copy


@pytest.mark.parametrize("data", ["disc_images", "ball_volumes"])
def test_the_predicted_cases_of_a_manifest_are_shown(data, request, predicted):
    manifest = request.getfixturevalue(data)

    found = shown_set(manifest, [predicted(manifest)])

    assert list(found.cases) == [case.id for case in Manifest.load(manifest).cases[:2]]
    for case in found.cases:
        view = found.view(case)
        np.testing.assert_array_equal(view.reference, view.prediction)
        assert view.prediction.any()


def test_a_folder_of_pictures_is_read_by_a_runs_task_and_needs_no_reference(
    disc_images, predicted, tmp_path
):
    model = write_model_of(disc_images, tmp_path / "model", "a", fold=0)
    folder = predicted(disc_images)

    found = shown_set(disc_images.parent / "images", [folder], model)

    view = found.view(next(iter(found.cases)))
    assert len(found.cases) == 2
    assert view.image.shape == (3, 48, 40)
    assert view.reference is None
    assert view.regions == ("polyp",)


def test_a_folder_of_volumes_is_read_by_a_runs_task(ball_volumes, predicted, tmp_path):
    model = write_model_of(ball_volumes, tmp_path / "model", "a", fold=0)

    found = shown_set(ball_volumes.parent, [predicted(ball_volumes, 1)], model)

    (case,) = found.cases
    view = found.view(case, "t1ce")
    assert view.image.shape == (1, 20, 18, 15)
    assert view.spacing_mm == (1.0, 1.0, 2.0)
    np.testing.assert_array_equal(view.reference, view.prediction)


def test_only_channels_on_the_masks_grid_are_offered(
    ball_volumes, disc_images, predicted, tmp_path
):
    volumes = shown_set(ball_volumes, [predicted(ball_volumes, 1, "balls")])
    pictures = shown_set(disc_images, [predicted(disc_images, 1, "discs")])
    (case,), (picture,) = volumes.cases, pictures.cases
    own = volumes.cases[case]
    other = tmp_path / "other.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3)), np.eye(4)), other)
    moved = replace(own, images={**own.images, "t2": other})

    assert volumes.channels(case) == ["flair", "t1", "t1ce", "t2"]
    assert replace(volumes, cases={case: moved}).channels(case) == ["flair", "t1", "t1ce"]
    assert pictures.channels(picture) == []


def test_a_case_is_turned_for_the_eye_with_both_masks(ball_volumes, predicted):
    found = shown_set(ball_volumes, [predicted(ball_volumes, 1)])
    (case,) = found.cases

    turned = found.upright(case, "t1")

    view = found.view(case, "t1")
    np.testing.assert_array_equal(turned.image, view.image[:, ::-1, ::-1])  # from LPS to RAS
    assert list(turned.masks) == ["reference", "prediction"]


def test_of_a_case_in_several_folders_the_first_is_shown(disc_images, predicted):
    one, two = predicted(disc_images, 1, "one"), predicted(disc_images, 3, "two")

    masks = shown_set(disc_images, [one, two]).masks

    assert [path.parent.name for path in masks.values()].count("one") == 1
    assert len(masks) == 3


def test_refuses_a_folder_without_a_run_and_masks_of_other_cases(
    disc_images, ball_volumes, predicted
):
    folder = predicted(disc_images)

    with pytest.raises(InputError, match="a run must say what is in it"):
        shown_set(disc_images.parent / "images", [folder])
    with pytest.raises(InputError, match="holds no mask of a case"):
        shown_set(ball_volumes, [folder])
