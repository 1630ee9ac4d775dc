"""SimpleITK's images in, and masks as such images out."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
import torch
from PIL import Image
from shift_right import AS_IT_IS, predictor

from inspire_med.errors import InputError
from inspire_med.inference import Predictor
from inspire_med.inference.members import Member
from inspire_med.inference.settings import Settings
from inspire_med.tasks.task import Preparation

SIZE = (9, 12, 7)  # (x, y, z)


def turned(axes=(0, 1, 2), mirrored=(1, 1, 1)) -> np.ndarray:
    """Directions of x, y and z in LPS: an oblique frame, its axes in that order, some mirrored."""
    turn = sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.25)
    frame = np.reshape(turn.GetMatrix(), (3, 3))
    return frame[:, list(axes)] * np.array(mirrored)


def image_of(values: np.ndarray, direction: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.9, 1.4, 3.1))
    image.SetOrigin((-31.5, 44.25, 7.0))
    image.SetDirection(direction.ravel().tolist())
    return image


@pytest.fixture
def values() -> np.ndarray:
    """(z, y, x), as SimpleITK's arrays are."""
    return np.random.default_rng(0).normal(size=SIZE[::-1]).astype(np.float32)


@pytest.mark.parametrize("preparation", [AS_IT_IS, Preparation(spacing_mm=(2.0, 2.0, 2.0))])
@pytest.mark.parametrize(
    "direction",
    [turned(), turned(mirrored=(-1, -1, 1)), turned((1, 2, 0), (1, -1, -1)), np.eye(3)],
)
def test_an_image_gets_the_mask_of_its_file(tmp_path, values, direction, preparation):
    image = image_of(values, direction)
    kept = predictor(preparation)

    found = kept.predict({"scan": image})

    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    of_file = kept.predict({"scan": tmp_path / "a.nii.gz"})
    assert 0 < (found.labels > 0).sum() < found.labels.size
    np.testing.assert_array_equal(found.labels, of_file.labels)
    found.save(tmp_path / "mask.nii.gz")
    written, given = sitk.ReadImage(str(tmp_path / "mask.nii.gz")), found.to_sitk()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(written), sitk.GetArrayFromImage(given))
    for answer in (given, written):
        np.testing.assert_allclose(answer.GetDirection(), image.GetDirection(), atol=1e-5)


def test_the_mask_lies_voxel_by_voxel_on_the_image(values):
    """The network answers the voxel to the patient's right, wherever the image's axes run."""
    mirrored = image_of(values, np.diag([-1.0, 1.0, 1.0]))  # x runs to the left
    image = image_of(values, np.eye(3))  # LPS+: x runs to the left in ITK's own frame

    first, second = (predictor().predict({"scan": each}).to_sitk() for each in (image, mirrored))

    assert first.GetSize() == image.GetSize()
    for answer, given in ((first, image), (second, mirrored)):
        assert answer.GetOrigin() == pytest.approx(given.GetOrigin())
        assert answer.GetSpacing() == pytest.approx(given.GetSpacing())
        assert answer.GetDirection() == pytest.approx(given.GetDirection())
        assert sitk.Cast(answer, sitk.sitkFloat32) * given is not None  # ITK: one physical space
    # RAS+ counts from the left of LPS+: the voxel before is the one after along x, and reverse.
    after, before = np.zeros_like(values, bool), np.zeros_like(values, bool)
    after[..., :-1], before[..., 1:] = values[..., 1:] > 0, values[..., :-1] > 0
    np.testing.assert_array_equal(sitk.GetArrayFromImage(first) > 0, after)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(second) > 0, before)


def test_a_plane_gets_the_mask_of_its_array_where_it_lies():
    plane = np.random.default_rng(0).integers(0, 256, (11, 7)).astype(np.uint8)
    image = sitk.GetImageFromArray(plane)
    image.SetSpacing((0.5, 0.25))
    image.SetOrigin((3.0, -4.0))
    image.SetDirection((0.0, 1.0, -1.0, 0.0))
    kept = predictor(Preparation(intensity="rgb"), patch_size=(16, 16))

    found = kept.predict({"scan": image})

    np.testing.assert_array_equal(found.labels, kept.predict({"scan": plane}).labels)
    assert 0 < (found.labels > 0).sum() < plane.size
    answer = found.to_sitk()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(answer), found.labels)
    assert answer.GetSpacing() == pytest.approx((0.5, 0.25))
    assert answer.GetOrigin() == pytest.approx((3.0, -4.0))
    assert answer.GetDirection() == pytest.approx((0.0, 1.0, -1.0, 0.0))


def test_a_picture_of_a_file_has_pixels_of_one(tmp_path):
    Image.fromarray(np.arange(77, dtype=np.uint8).reshape(11, 7)).save(tmp_path / "a.png")

    answer = predictor_of("red", dims=2).predict({"red": tmp_path / "a.png"}).to_sitk()

    assert (answer.GetSize(), answer.GetSpacing(), answer.GetOrigin()) == ((7, 11), (1, 1), (0, 0))


def test_two_shades_of_grey_are_a_picture():
    plane = np.zeros((11, 7), np.uint8)
    plane[3:5] = 1

    assert predictor_of("red", dims=2).predict({"red": sitk.GetImageFromArray(plane)}).labels.any()


def predictor_of(*channels, dims=3, preparation=AS_IT_IS, **settings):
    """The sum of its channels."""
    one = predictor(preparation, patch_size=(16,) * dims)
    task = replace(one.card.task, channels=channels)
    card = replace(one.card, task=task, channels=channels)
    network = (torch.nn.Conv2d if dims == 2 else torch.nn.Conv3d)(len(channels), 1, 1, bias=False)
    torch.nn.init.ones_(network.weight)
    member = Member(one.folders[0], card, network)
    return Predictor([member], Settings(torch.device("cpu"), "32-true"), **settings)


def refusal(kept, images) -> str:
    with pytest.raises(InputError) as raised:
        kept.predict(images)
    return str(raised.value)


def test_images_on_other_grids_are_refused_as_files_are(tmp_path, values):
    one = image_of(values, turned())
    small, moved = one[:, :, 1:], sitk.Image(one)
    moved.SetOrigin((0, 0, 0))
    kept = predictor_of("t1", "t2")

    for other, words in ((small, "has (9, 12, 6) voxels where"), (moved, "lies up to 55 mm away")):
        said = refusal(kept, {"t1": one, "t2": other})
        assert said.startswith(f"image t2: {words}")
        assert said.endswith("; resample it to that grid.")
        assert "image t1" in said
        for name, each in (("t1", one), ("t2", other)):
            sitk.WriteImage(each, str(tmp_path / f"{name}.nii.gz"))
        files = {name: tmp_path / f"{name}.nii.gz" for name in ("t1", "t2")}
        of_files = refusal(kept, files)
        assert (
            of_files.replace(str(tmp_path / "t2.nii.gz"), "image t2").replace(
                "t1.nii.gz", "image t1"
            )
            == said
        )


def test_channels_that_may_lie_elsewhere_are_laid_over_each_other(values):
    preparation = replace(AS_IT_IS, reference="t1", resampled=("t2",))
    one = image_of(values, np.eye(3))
    coarse = sitk.Resample(one, (5, 6, 7), sitk.Transform(), sitk.sitkLinear,
                           one.GetOrigin(), (1.8, 2.8, 3.1))  # fmt: skip
    kept = predictor_of("t1", "t2", preparation=preparation)

    found = kept.predict({"t2": coarse, "t1": one})

    assert found.to_sitk().GetSize() == one.GetSize()


def test_planes_of_other_sizes_are_refused():
    big, small = (sitk.Image(size, size, sitk.sitkUInt8) for size in (9, 8))

    said = refusal(predictor_of("red", "green", dims=2), {"red": big, "green": small})

    assert said == (
        "image green: of (8, 8) pixels where another channel is of (9, 9); resample it to that "
        "grid."
    )


@pytest.mark.parametrize(
    ("dims", "image", "words"),
    [
        (3, sitk.Image(9, 8, sitk.sitkFloat32), "of shape (9, 8), but the model is for volumes"),
        (2, sitk.Image(9, 8, 7, sitk.sitkUInt8), "of shape (9, 8, 7), but the model is for pictur"),
        (3, sitk.Image([9, 8, 7, 2], sitk.sitkFloat32), "of shape (9, 8, 7, 2), but the model is"),
        (3, sitk.Image((9, 8, 7), sitk.sitkVectorFloat32, 3), "its voxels are colours, vectors or"),
        (2, sitk.Image((9, 8), sitk.sitkVectorUInt8, 3), "its voxels are colours, vectors or"),
        (3, sitk.Image(9, 8, 7, sitk.sitkComplexFloat32), "its voxels are colours, vectors or"),
        (2, sitk.Image(9, 8, sitk.sitkUInt16) + 300, "a picture of 300 to 300; give colours"),
        (3, sitk.Image(9, 8, 7, sitk.sitkFloat32) / 0.0, "holds NaN or infinite voxels; replace"),
    ],
)
def test_images_that_are_no_case_are_refused(dims, image, words):
    said = refusal(predictor_of("red", dims=dims), {"red": image})

    assert said.startswith(("image red: ", "images: "))
    assert words in said


def test_a_missing_channel_says_what_a_caller_does(tmp_path, values):
    image = image_of(values, np.eye(3))
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    given = {"images": image, "arrays": values, str(tmp_path): tmp_path / "a.nii.gz"}

    for place, one in given.items():
        assert refusal(predictor_of("t1", "t2"), {"t1": one}) == (
            f"{place}: channel t2 is missing; the model needs t1, t2 and was given t1; add it, or "
            "load the model with fill_missing=True."
        )


def test_what_is_missing_may_be_zero(tmp_path, values):
    image = image_of(values, np.eye(3))
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    kept = predictor_of("t1", "t2", fill_missing=True)

    for one in (image, values, tmp_path / "a.nii.gz"):
        (labels,) = {kept.predict({"t1": one}).labels.tobytes()}
        expected = (values if one is values else values.T) > 0
        assert labels == (expected * np.uint8(3)).tobytes()
    assert "channel t1 is missing" in refusal(kept, {"t3": image})


def test_channels_of_different_kinds_are_refused(values):
    said = refusal(predictor_of("t1", "t2"), {"t1": image_of(values, np.eye(3)), "t2": values})

    assert (
        said == "t1, t2: given as array and as image; give all channels of a case as one of these."
    )


def test_nothing_at_all_is_refused():
    assert "was given none" in refusal(predictor_of("t1"), {})
