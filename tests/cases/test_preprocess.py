import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.preprocess import Preprocessor
from inspire_med.cases.restore import labels_from_regions, restore, write_mask
from inspire_med.errors import InputError
from inspire_med.prepare import main as prepare

REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
CHANNELS = ("flair", "t1", "t1ce", "t2")


@pytest.fixture
def case(brats_case):
    images = {name: brats_case / f"{brats_case.name}_{name}.nii.gz" for name in CHANNELS}
    label = brats_case / f"{brats_case.name}_seg.nii.gz"
    return Case("a", "a", images, (8, 7, 6), (1.0, 1.0, 1.0), label)


@pytest.fixture
def picture(tmp_path):
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(tmp_path / "i.png")
    mask = np.zeros((30, 40), np.uint8)
    mask[6:18, 10:30] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    components = {"red": 0, "green": 1, "blue": 2}
    images = dict.fromkeys(components, tmp_path / "i.png")
    return Case("i", "i", images, (30, 40), (1.0, 1.0), tmp_path / "m.png", components=components)


def label_back(prepared, regions):
    whole = restore(prepared.target.astype(np.float32), prepared.record)
    return labels_from_regions(whole > 0.5, regions)


def test_crops_to_the_head_and_comes_back_exactly(case):
    prepared = Preprocessor.for_task("brats").prepare(case, CHANNELS, REGIONS)

    assert prepared.image.shape == (4, 6, 4, 4)
    assert prepared.record["box"] == [[1, 7], [2, 6], [1, 5]]
    np.testing.assert_array_equal(
        label_back(prepared, REGIONS), np.asarray(nib.load(case.label).dataobj)
    )


def test_channels_come_in_the_order_asked_for(case):
    one = Preprocessor.for_task("brats").prepare(case, CHANNELS, REGIONS).image
    other = Preprocessor.for_task("brats").prepare(case, CHANNELS[::-1], REGIONS).image

    np.testing.assert_array_equal(one, other[::-1])


def test_a_channel_missing_by_request_is_zero(case):
    images = {name: path for name, path in case.images.items() if name != "t1ce"}
    lacking = Case("a", "a", images, case.shape, case.spacing_mm, case.label, filled=("t1ce",))

    prepared = Preprocessor.for_task("brats").prepare(lacking, CHANNELS, REGIONS)

    assert (prepared.image[2] == 0).all()
    assert prepared.image[1].any()


def test_refuses_a_case_that_lacks_a_channel(case):
    lacking = Case("a", "a", {"t1": case.images["t1"]}, case.shape, case.spacing_mm)

    with pytest.raises(InputError, match="a: lacks the channel flair that the network reads"):
        Preprocessor.for_task("brats").prepare(lacking, CHANNELS, REGIONS)


def test_refuses_channels_on_different_grids(case, write_nifti):
    write_nifti(case.images["t2"], np.ones((8, 7, 5), np.int16))

    with pytest.raises(InputError, match=r"_t2\.nii\.gz: has \(8, 7, 5\) voxels"):
        Preprocessor.for_task("brats").prepare(case, CHANNELS, REGIONS)


def test_refuses_a_label_on_another_grid(case, write_nifti):
    write_nifti(case.label, np.zeros((8, 7, 5), np.uint8))

    with pytest.raises(InputError, match=r"_seg\.nii\.gz: has \(8, 7, 5\) voxels"):
        Preprocessor.for_task("brats").prepare(case, CHANNELS, REGIONS)


def test_refuses_a_label_outside_the_regions(case):
    with pytest.raises(InputError, match="holds the label values 2, expected"):
        Preprocessor.for_task("brats").prepare(case, CHANNELS, {"TC": (1, 4)})


def test_a_case_without_label_has_no_target(case):
    bare = Case("a", "a", case.images, case.shape, case.spacing_mm)

    prepared = Preprocessor.for_task("brats").prepare(bare, CHANNELS, REGIONS)

    assert prepared.target is None


def test_resampling_to_a_spacing_is_undone(case):
    prepared = Preprocessor.for_task("brats", spacing_mm=(0.5, 1.0, 2.0)).prepare(
        case, CHANNELS, REGIONS
    )

    assert prepared.image.shape == (4, 12, 4, 2)
    assert restore(prepared.target, prepared.record).shape == (3, 8, 7, 6)


@pytest.fixture
def stroke(tmp_path, write_nifti):
    """A DWI, an ADC on its grid, and a FLAIR 500 mm away."""
    far = np.eye(4)
    far[:3, 3] = 500
    random = np.random.default_rng(0)
    dwi, adc, flair = (
        random.uniform(1, 9, shape).astype(np.float32)
        for shape in [(6, 6, 6), (6, 6, 6), (9, 9, 4)]
    )
    images = {
        "dwi": write_nifti(tmp_path / "a_dwi.nii.gz", dwi),
        "adc": write_nifti(tmp_path / "a_adc.nii.gz", adc),
        "flair": write_nifti(tmp_path / "a_flair.nii.gz", flair, far),
    }
    return Case("a", "a", images, (6, 6, 6), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("register", [False, True])
def test_refuses_a_flair_of_somewhere_else(stroke, register):
    settings = Preprocessor.for_task("isles", register=register)

    with pytest.raises(InputError, match=r"a_flair\.nii\.gz: shows nothing where a_dwi\.nii\.gz"):
        settings.prepare(stroke, ("dwi", "flair"), {"lesion": (1,)})


def test_says_so_where_registration_finds_nothing_to_hold_on_to(stroke, write_nifti):
    beside = np.eye(4)
    beside[:3, 3] = 5.9  # the boxes share a corner, the voxels' centres nothing
    write_nifti(stroke.images["flair"], np.ones((9, 9, 4), np.float32), beside)

    with pytest.raises(InputError, match=r"a_flair\.nii\.gz: cannot be registered .*--register"):
        Preprocessor.for_task("isles", register=True).prepare(stroke, ("dwi", "flair"), {})


def test_the_dwi_gives_the_grid_also_where_it_is_no_channel(stroke, write_nifti):
    write_nifti(stroke.images["flair"], np.ones((9, 9, 4), np.float32))

    prepared = Preprocessor.for_task("isles").prepare(stroke, ("flair",), {})

    assert prepared.record["shape"] == [6, 6, 6]
    assert prepared.image.shape[0] == 1


def test_a_picture_is_resized_and_its_mask_comes_back(picture):
    prepared = Preprocessor.for_task("polyp", image_size=(16, 24)).prepare(
        picture, ("red", "green", "blue"), {"polyp": (1,)}
    )

    assert prepared.image.shape == (3, 16, 24)
    back = restore(prepared.target.astype(np.float32), prepared.record)[0] > 0.5
    mask = np.asarray(Image.open(picture.label)) > 127
    assert 2 * (back & mask).sum() / (back.sum() + mask.sum()) > 0.93


def test_a_pictures_channels_are_its_colours_by_name(picture):
    regions, size = {"polyp": (1,)}, (16, 24)
    rgb = Preprocessor(image_size=size).prepare(picture, ("red", "green", "blue"), regions)
    blue = Preprocessor(image_size=size).prepare(picture, ("blue",), regions)

    np.testing.assert_array_equal(blue.image[0], rgb.image[2])


def test_settings_come_back_from_json():
    for settings in (
        Preprocessor.for_task("brats"),
        Preprocessor.for_task("isles", register=True, spacing_mm=(2.0, 2.0, 2.0)),
        Preprocessor.for_task("polyp", image_size=(128, 96)),
    ):
        assert Preprocessor.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_the_record_is_json(case):
    prepared = Preprocessor.for_task("brats").prepare(case, CHANNELS, REGIONS)

    assert json.loads(json.dumps(prepared.record, allow_nan=False)) == prepared.record


def real_manifest(real_data, tmp_path, task, place, *more):
    out = tmp_path / "m.json"
    sources = ["--task", task, "--source", str(real_data / place), "--out", str(out)]
    assert prepare([*sources, *more]) == 0
    return Manifest.load(out)


@pytest.mark.slow
def test_a_real_brats_label_comes_back_exactly(real_data, tmp_path):
    place = "brats2018/HGG/Brats18_TCIA01_201_1"
    manifest = real_manifest(real_data, tmp_path, "brats", place)
    case = manifest.cases[0]

    prepared = Preprocessor.for_task("brats").prepare(case, manifest.channels, manifest.regions)
    write_mask(tmp_path / "back.nii.gz", label_back(prepared, manifest.regions), prepared.record)

    expert, back = nib.load(case.label), nib.load(tmp_path / "back.nii.gz")
    np.testing.assert_array_equal(np.asarray(back.dataobj), np.asarray(expert.dataobj))
    np.testing.assert_array_equal(back.affine, expert.affine)
    brain = prepared.image[0] != 0
    assert abs(prepared.image[0][brain].mean()) < 1e-3
    assert prepared.image.shape[1:] < (240, 240, 155)


@pytest.mark.parametrize("register", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_real_flair_lands_on_the_real_dwi(real_data, tmp_path, register):
    manifest = real_manifest(real_data, tmp_path, "isles", "isles2022", "--fill_missing")
    case = next(case for case in manifest.cases if "0009" in case.id)

    prepared = Preprocessor.for_task("isles", register=register).prepare(
        case, manifest.channels, manifest.regions
    )

    dwi, _, flair = prepared.image
    assert dwi.shape == flair.shape
    overlap = ((dwi != 0) & (flair != 0)).sum() / (dwi != 0).sum()
    assert overlap > 0.9
    # Mirrored or shifted, the two would not share their anatomy.
    mirrored = np.corrcoef(dwi.ravel(), flair[::-1].ravel())[0, 1]
    assert np.corrcoef(dwi.ravel(), flair.ravel())[0, 1] > mirrored
    np.testing.assert_array_equal(
        label_back(prepared, manifest.regions), np.asarray(nib.load(case.label).dataobj)
    )


def test_real_case_without_flair_is_filled_and_marked(real_data, tmp_path):
    manifest = real_manifest(real_data, tmp_path, "isles", "isles2022", "--fill_missing")
    case = next(case for case in manifest.cases if "0001" in case.id)

    prepared = Preprocessor.for_task("isles").prepare(case, manifest.channels, manifest.regions)

    assert case.filled == ("flair",)
    assert (prepared.image[2] == 0).all()


def test_colours_need_no_components(picture):
    bare = replace(picture, components={})

    prepared = Preprocessor(crop_to_foreground=False).prepare(
        bare, ("red", "green", "blue"), {"polyp": (1,)}
    )

    expected = Preprocessor(crop_to_foreground=False).prepare(
        picture, ("red", "green", "blue"), {"polyp": (1,)}
    )
    assert np.array_equal(prepared.image, expected.image)
