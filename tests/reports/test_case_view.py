import dataclasses

import nibabel
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.reports.case_view import read_channels, view_case


def test_a_volume_is_shown_by_its_first_channel_with_its_affine(ball_volumes):
    manifest = Manifest.load(ball_volumes)
    case = manifest.cases[0]

    view = view_case(case, manifest.regions, prediction=case.label)

    assert view.image.shape == (1, *case.shape)
    assert view.regions == tuple(manifest.regions)
    np.testing.assert_array_equal(view.reference, view.prediction)
    assert view.reference.shape == (3, *case.shape)
    assert np.diag(view.affine).tolist() == [-1.0, -1.0, 2.0, 1.0]


def test_a_channel_can_be_chosen(ball_volumes):
    manifest = Manifest.load(ball_volumes)

    first, other = (
        view_case(manifest.cases[0], manifest.regions, channel=channel).image
        for channel in manifest.channels[:2]
    )

    assert (first != other).any()


def test_a_picture_is_shown_in_colour(disc_images):
    manifest = Manifest.load(disc_images)

    view = view_case(manifest.cases[0], manifest.regions)

    assert view.image.shape == (3, 48, 40)
    assert view.image.dtype == np.uint8
    assert view.prediction is None
    assert view.affine is None


def test_refuses_a_channel_that_is_not_there(ball_volumes):
    manifest = Manifest.load(ball_volumes)

    with pytest.raises(InputError, match=r"no channel dwi on the case's grid .* the manifest has"):
        view_case(manifest.cases[0], manifest.regions, channel="dwi")


def test_a_channel_on_another_grid_is_no_background(ball_volumes, disc_images):
    volume = Manifest.load(ball_volumes).cases[0]
    picture = Manifest.load(disc_images).cases[0]

    assert read_channels(volume, (1, 2, 3)) == {}
    assert read_channels(picture, (1, 2)) == {}


def test_the_wanted_channels_are_read_in_their_order_else_the_first(ball_volumes):
    case = Manifest.load(ball_volumes).cases[0]
    first, second, third = list(case.images)[:3]

    assert list(read_channels(case, case.shape, [third, second])) == [third, second]
    assert list(read_channels(case, case.shape, ["dwi"])) == [first]
    assert list(read_channels(case, case.shape)) == [first]


def test_a_case_without_label_has_no_reference(ball_volumes):
    manifest = Manifest.load(ball_volumes)
    case = dataclasses.replace(manifest.cases[0], label=None)

    assert view_case(case, manifest.regions).reference is None


def test_a_label_stored_in_another_order_lies_on_the_scan(ball_volumes, tmp_path):
    manifest = Manifest.load(ball_volumes)
    case = manifest.cases[0]
    turned = nibabel.load(case.label).as_reoriented(np.array([[2, 1], [0, -1], [1, 1]]))
    nibabel.save(turned, tmp_path / "label.nii.gz")

    found = view_case(dataclasses.replace(case, label=tmp_path / "label.nii.gz"), manifest.regions)

    expected = view_case(case, manifest.regions).reference
    np.testing.assert_array_equal(found.reference, expected)


def test_a_pictures_label_to_ignore_is_in_no_region(disc_images, tmp_path):
    manifest = Manifest.load(disc_images)
    label = np.zeros((48, 40), np.uint8)
    label[10:20], label[30:] = 1, 2
    Image.fromarray(label).save(tmp_path / "label.png")
    case = dataclasses.replace(manifest.cases[0], label=tmp_path / "label.png")

    found = view_case(case, manifest.regions, manifest.cases[0].label, ignore=2)

    np.testing.assert_array_equal(found.reference, [label == 1])
    assert found.prediction.any()
