from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from storages import OBLIQUE

from inspire_med.cases.case import Case
from inspire_med.cases.in_memory import prepare_arrays
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.prepare import foreground_statistics, prepare_case
from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import labels_from_regions
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.output import write_mask
from inspire_med.prepare import main as prepare
from inspire_med.tasks.task import Preparation

REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
MRI = Preparation()
STROKE = Preparation(reference="dwi", resampled=("flair",))
PICTURE = Preparation(
    orientation=None, image_size=(16, 24), intensity="rgb", crop_to_foreground=False
)
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
    whole = prepared.placement.back(prepared.target)
    return labels_from_regions(whole > 0.5, regions)


def test_crops_to_the_head_and_comes_back_exactly(case):
    prepared = prepare_case(case, CHANNELS, REGIONS, MRI)

    assert prepared.image.shape == (4, 6, 4, 4)
    assert prepared.placement.box == ((1, 7), (2, 6), (1, 5))
    np.testing.assert_array_equal(
        label_back(prepared, REGIONS), np.asarray(nib.load(case.label).dataobj)
    )


def test_channels_come_in_the_order_asked_for(case):
    one = prepare_case(case, CHANNELS, REGIONS, MRI).image
    other = prepare_case(case, CHANNELS[::-1], REGIONS, MRI).image

    np.testing.assert_array_equal(one, other[::-1])


def test_a_channel_missing_by_request_is_zero(case):
    images = {name: path for name, path in case.images.items() if name != "t1ce"}
    lacking = Case("a", "a", images, case.shape, case.spacing_mm, case.label, filled=("t1ce",))

    prepared = prepare_case(lacking, CHANNELS, REGIONS, MRI)

    assert (prepared.image[2] == 0).all()
    assert prepared.image[1].any()


def test_refuses_a_case_that_lacks_a_channel(case):
    lacking = Case("a", "a", {"t1": case.images["t1"]}, case.shape, case.spacing_mm)

    with pytest.raises(InputError, match="a: lacks the channel flair that the network reads"):
        prepare_case(lacking, CHANNELS, REGIONS, MRI)


def test_refuses_channels_on_different_grids(case, write_nifti):
    write_nifti(case.images["t2"], np.ones((8, 7, 5), np.int16))

    with pytest.raises(InputError, match=r"_t2\.nii\.gz: has \(8, 7, 5\) voxels"):
        prepare_case(case, CHANNELS, REGIONS, MRI)


def test_refuses_a_label_on_another_grid(case, write_nifti):
    write_nifti(case.label, np.zeros((8, 7, 5), np.uint8))

    with pytest.raises(InputError, match=r"_seg\.nii\.gz: has \(8, 7, 5\) voxels"):
        prepare_case(case, CHANNELS, REGIONS, MRI)


def test_refuses_a_label_outside_the_regions(case):
    with pytest.raises(InputError, match="holds label 2, which is in no region"):
        prepare_case(case, CHANNELS, {"TC": (1, 4)}, MRI)


def test_a_case_without_label_has_no_target(case):
    bare = Case("a", "a", case.images, case.shape, case.spacing_mm)

    prepared = prepare_case(bare, CHANNELS, REGIONS, MRI)

    assert prepared.target is None


def test_resampling_to_a_spacing_is_undone(case):
    prepared = prepare_case(case, CHANNELS, REGIONS, replace(MRI, spacing_mm=(0.5, 1.0, 2.0)))

    assert prepared.image.shape == (4, 12, 4, 2)
    assert prepared.placement.back(prepared.target).shape == (3, 8, 7, 6)


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
    settings = replace(STROKE, register=register)

    with pytest.raises(InputError, match=r"a_flair\.nii\.gz: shows nothing where a_dwi\.nii\.gz"):
        prepare_case(stroke, ("dwi", "flair"), {"lesion": (1,)}, settings)


def test_says_so_where_registration_finds_nothing_to_hold_on_to(stroke, write_nifti):
    beside = np.eye(4)
    beside[:3, 3] = 5.9  # the boxes share a corner, the voxels' centres nothing
    write_nifti(stroke.images["flair"], np.ones((9, 9, 4), np.float32), beside)

    with pytest.raises(InputError, match=r"a_flair\.nii\.gz: cannot be registered .*--register"):
        prepare_case(stroke, ("dwi", "flair"), {}, replace(STROKE, register=True))


def test_the_dwi_gives_the_grid_also_where_it_is_no_channel(stroke, write_nifti):
    write_nifti(stroke.images["flair"], np.ones((9, 9, 4), np.float32))

    prepared = prepare_case(stroke, ("flair",), {}, STROKE)

    assert prepared.placement.shape == (6, 6, 6)
    assert prepared.image.shape[0] == 1


def test_a_channel_that_is_left_out_need_not_be_readable(case):
    case.images["flair"].write_bytes(b"no scan")

    prepared = prepare_case(case, ("t1", "t2"), {"WT": (1, 2, 4)}, Preparation())

    assert prepared.image.shape[0] == 2
    assert prepared.target is not None


def test_a_picture_is_resized_and_its_mask_comes_back(picture):
    prepared = prepare_case(picture, ("red", "green", "blue"), {"polyp": (1,)}, PICTURE)

    assert prepared.image.shape == (3, 16, 24)
    back = prepared.placement.back(prepared.target)[0] > 0.5
    mask = np.asarray(Image.open(picture.label)) > 127
    assert 2 * (back & mask).sum() / (back.sum() + mask.sum()) > 0.93


def test_a_pictures_channels_are_its_colours_by_name(picture):
    rgb = prepare_case(picture, ("red", "green", "blue"), {"polyp": (1,)}, PICTURE)
    blue = prepare_case(picture, ("blue",), {"polyp": (1,)}, PICTURE)

    np.testing.assert_array_equal(blue.image[0], rgb.image[2])


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

    prepared = prepare_case(case, manifest.channels, manifest.regions, MRI)
    write_mask(
        tmp_path / "back.nii.gz",
        label_back(prepared, manifest.regions),
        prepared.placement,
        manifest.regions,
    )

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

    prepared = prepare_case(
        case, manifest.channels, manifest.regions, replace(STROKE, register=register)
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

    prepared = prepare_case(case, manifest.channels, manifest.regions, STROKE)

    assert case.filled == ("flair",)
    assert (prepared.image[2] == 0).all()


def test_colours_need_no_components(picture):
    bare = replace(picture, components={})

    for channels in (("red", "green", "blue"), ("blue",)):
        prepared = prepare_case(bare, channels, {"polyp": (1,)}, PICTURE)

        expected = prepare_case(picture, channels, {"polyp": (1,)}, PICTURE)
        assert np.array_equal(prepared.image, expected.image)


def test_each_region_of_a_picture_is_resized_by_itself(picture):
    label = np.zeros((30, 40), np.uint8)
    label[6:18, 10:30], label[18:24, 10:30] = 1, 2
    Image.fromarray(label).save(picture.label)

    prepared = prepare_case(picture, ("red",), {"a": (1,), "b": (2,), "both": (1, 2)}, PICTURE)

    a, b, both = prepared.placement.back(prepared.target) > 0.5
    for mask, value in ((a, (1,)), (b, (2,)), (both, (1, 2))):
        assert (mask == np.isin(label, value)).mean() > 0.97


def stored_as(codes, volumes, folder, like):
    """Volumes by name, written with their axes in another order."""
    turn = Turn.to(codes, like)
    grid = turn.grid(Grid(next(iter(volumes.values())).shape, like))
    for name, volume in volumes.items():
        image = nib.Nifti1Image(turn.apply(volume), grid.affine)
        nib.save(image, folder / f"{name}.nii.gz")
    return {name: folder / f"{name}.nii.gz" for name in volumes}


@pytest.fixture
def oblique():
    """Two channels and a label, tilted; the second is zero at the head's rim, the first not."""
    random = np.random.default_rng(0)
    volumes = {name: np.zeros((9, 8, 7), np.float32) for name in ("dwi", "adc")}
    volumes["dwi"][1:8, 2:7, 1:6] = random.uniform(1, 9, (7, 5, 5))
    volumes["adc"][3:8, 3:8, 2:5] = random.uniform(1, 9, (5, 5, 3))
    label = np.zeros((9, 8, 7), np.uint8)
    label[3:6, 3:6, 2:5] = 1
    return volumes | {"label": label}


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SPR", "IAL", "PIL"])
@pytest.mark.parametrize("spacing_mm", [None, (3.0, 2.0, 1.5)])
def test_the_network_sees_one_patient_however_it_is_stored(tmp_path, oblique, codes, spacing_mm):
    preparation = replace(MRI, spacing_mm=spacing_mm)
    seen = []
    for order in ("LAS", codes):
        files = stored_as(order, oblique, tmp_path, OBLIQUE)
        label = files.pop("label")
        case = Case("a", "a", files, (9, 8, 7), (1.0, 1.0, 1.0), label)
        prepared = prepare_case(case, ("dwi", "adc"), {"lesion": (1,)}, preparation)
        seen.append((prepared.image, prepared.target, prepared.placement.view.affine))
        expert = np.asarray(nib.load(label).dataobj)
        back = prepared.placement.back(prepared.target)[0] > 0.5
        assert back.shape == expert.shape
        assert (back == expert).mean() > (0.98 if spacing_mm else 0.999)

    for one, other in zip(*seen, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 if one is seen[0][2] else 0)
    assert nib.aff2axcodes(seen[0][2]) == ("R", "A", "S")


def test_the_crop_holds_what_any_channel_shows(tmp_path, oblique):
    files = stored_as("LAS", oblique, tmp_path, OBLIQUE)
    case = Case("a", "a", {n: files[n] for n in ("dwi", "adc")}, (9, 8, 7), (1.0, 1.0, 1.0))

    prepared = prepare_case(case, ("dwi", "adc"), {}, replace(MRI, orientation=None))

    # dwi fills 1-7, 2-6, 1-5; adc 3-7, 3-7, 2-4: the box of both.
    assert prepared.placement.box == ((1, 8), (2, 8), (1, 6))
    assert (prepared.image[0, :, :5] != 0).all()
    assert (prepared.image[1, 2:, 1:, 1:4] != 0).all()


@pytest.mark.parametrize("orientation", ["RAS", None])
def test_channels_and_label_of_one_grid_may_be_stored_in_other_orders(
    tmp_path, oblique, orientation
):
    files = stored_as("LAS", oblique, tmp_path, OBLIQUE)
    expected = Case("a", "a", {n: files[n] for n in ("dwi", "adc")}, (9, 8, 7), (1.0,) * 3)
    expected = replace(expected, label=files["label"])
    settings = replace(MRI, orientation=orientation)
    straight = prepare_case(expected, ("dwi", "adc"), {"lesion": (1,)}, settings)
    (tmp_path / "other").mkdir()
    other = stored_as("PSR", oblique, tmp_path / "other", OBLIQUE)
    mixed = replace(expected, images={"dwi": files["dwi"], "adc": other["adc"]})
    mixed = replace(mixed, label=other["label"])

    prepared = prepare_case(mixed, ("dwi", "adc"), {"lesion": (1,)}, settings)

    np.testing.assert_array_equal(prepared.image, straight.image)
    np.testing.assert_array_equal(prepared.target, straight.target)


def test_a_card_of_before_sees_volumes_as_they_are_stored(tmp_path, oblique):
    files = stored_as("PSR", oblique, tmp_path, OBLIQUE)
    case = Case("a", "a", {"dwi": files["dwi"]}, (8, 7, 9), (1.0,) * 3, files["label"])

    prepared = prepare_case(case, ("dwi",), {"lesion": (1,)}, replace(MRI, orientation=None))

    assert prepared.placement.turn == Turn.none(3)
    expert = np.asarray(nib.load(files["label"]).dataobj)
    np.testing.assert_array_equal(prepared.target[0], prepared.placement.cut(expert))


@pytest.mark.parametrize("register", [False, True])
def test_a_flair_of_another_grid_and_another_order_lands_on_the_dwi(tmp_path, register):
    shape, codes = (24, 26, 20), ("LAS", "ASL")
    grid = Grid(shape, np.diag([-2.0, 2.0, 3.0, 1.0]))
    points = np.stack(np.indices(shape), -1) * np.array([-2.0, 2.0, 3.0])
    scan = 1 + np.exp(-((points - (-20, 30, 25)) ** 2).sum(-1) / 200)
    seen = []
    for order in codes:
        turn = Turn.to(order, grid.affine)
        for name, volume, place in (
            ("dwi", scan, grid),
            ("flair", scan[2:, :-2], Grid((22, 24, 20), grid.affine)),  # 4 mm off along the first
        ):
            turned = turn.grid(place)
            image = nib.Nifti1Image(turn.apply(volume).astype(np.float32), turned.affine)
            nib.save(image, tmp_path / f"{name}.nii.gz")
        files = {name: tmp_path / f"{name}.nii.gz" for name in ("dwi", "flair")}
        case = Case("a", "a", files, shape, (1.0,) * 3)
        settings = replace(STROKE, register=register)
        seen.append(prepare_case(case, ("dwi", "flair"), {}, settings).image)

    np.testing.assert_array_equal(*seen)
    dwi, flair = seen[0][:, 4:-4, 4:-4, 2:-2]
    corner = np.corrcoef(dwi.ravel(), flair.ravel())[0, 1]
    assert corner > (0.99 if register else 0.5)


HOUNSFIELD = {"low": -100.0, "high": 300.0, "mean": 50.0, "sd": 25.0}


def test_of_ct_all_is_foreground_and_nothing_is_cropped(tmp_path, write_nifti):
    volume = np.full((6, 7, 5), -1000, np.int16)
    volume[2:4, 2:4, 2:4] = 75
    volume[5] = 0
    volume[0, 0, 0], volume[0, 0, 1] = 0, 2000
    case = Case("a", "a", {"ct": write_nifti(tmp_path / "a.nii.gz", volume)}, (6, 7, 5), (1.0,) * 3)
    settings = Preparation(intensity="ct", intensity_statistics={"ct": HOUNSFIELD})

    image = prepare_case(case, ("ct",), {}, settings).image[0]

    assert image.shape == (6, 7, 5)
    assert image[4, 6, 4] == (-100 - 50) / 25  # air, clipped to the lowest
    assert image[2, 2, 2] == 1
    assert image[0, 0, 0] == -2  # water is not nothing
    assert image[0, 0, 1] == (300 - 50) / 25


def test_statistics_of_ct_are_those_of_labelled_voxels(tmp_path, write_nifti):
    random = np.random.default_rng(0)
    cases, labelled = [], []
    for number in range(3):
        volume = random.normal(40, 90, (8, 9, 7)).astype(np.int16)
        label = (random.random(volume.shape) < 0.3).astype(np.uint8) * 2
        cases.append(
            Case(
                f"{number}", f"{number}",
                {"ct": write_nifti(tmp_path / f"{number}.nii.gz", volume)},
                volume.shape, (1.0,) * 3,
                write_nifti(tmp_path / f"{number}_seg.nii.gz", label),
            )
        )  # fmt: skip
        labelled.extend(volume[label > 0].tolist())

    found = foreground_statistics(cases, ("ct",), {"organ": (2,)}, Preparation(intensity="ct"))

    row = sorted(labelled)
    place = 0.005 * (len(row) - 1)
    low = row[int(place)] + (place % 1) * (row[int(place) + 1] - row[int(place)])
    assert found["ct"]["low"] == pytest.approx(low)
    assert found["ct"]["high"] == pytest.approx(np.percentile(labelled, 99.5))
    assert found["ct"]["mean"] == pytest.approx(sum(row) / len(row))
    assert found["ct"]["sd"] == pytest.approx(np.sqrt(np.mean(np.square(row)) - np.mean(row) ** 2))


def test_statistics_of_nothing_are_refused(tmp_path, write_nifti):
    image = write_nifti(tmp_path / "a.nii.gz", np.ones((4, 4, 4), np.int16))
    label = write_nifti(tmp_path / "b.nii.gz", np.zeros((4, 4, 4), np.uint8))
    case = Case("a", "a", {"ct": image}, (4, 4, 4), (1.0,) * 3, label)

    with pytest.raises(InputError, match="training: no voxel is labelled; check the manifest"):
        foreground_statistics([case], ("ct",), {"organ": (1,)}, Preparation(intensity="ct"))


def test_arrays_of_a_turned_volume_are_seen_as_their_file(tmp_path, oblique):
    files = stored_as("SPL", oblique, tmp_path, OBLIQUE)
    case = Case("a", "a", {"dwi": files["dwi"]}, (7, 8, 9), (1.0,) * 3)
    image = nib.load(files["dwi"])

    prepared = prepare_arrays({"dwi": np.asarray(image.dataobj)}, ("dwi",), image.affine, MRI)

    np.testing.assert_array_equal(prepared.image, prepare_case(case, ("dwi",), {}, MRI).image)
    assert prepared.placement.turn == Turn.to("RAS", image.affine)
