from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.phantom.make import make_phantom
from inspire_med.cases.prepare import prepare_case
from inspire_med.errors import InputError
from inspire_med.imaging.picture import read_picture
from inspire_med.prepare import main as prepare
from inspire_med.tasks.find import TASKS, task_named
from inspire_med.tasks.polyp import POLYP

LIMIT = 0.7


@pytest.fixture(scope="module")
def manifests(tmp_path_factory) -> dict[str, Manifest]:
    folder = tmp_path_factory.mktemp("phantoms")
    for task in TASKS:
        assert prepare(["--task", task, "--phantom", "6", "--out", str(folder / task)]) == 0
    return {task: Manifest.load(folder / task / "manifest.json") for task in TASKS}


def best_dice(values: np.ndarray, truth: np.ndarray) -> float:
    """Dice of the best of all thresholds, from above and from below, truth known."""
    best = 0.0
    for signed in (values, -values):
        hits = np.cumsum(truth[np.argsort(-signed)])
        best = max(best, (2 * hits / (np.arange(1, len(hits) + 1) + truth.sum())).max())
    return best


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_no_threshold_of_one_channel_finds_a_region(manifests, task):
    manifest = manifests[task]
    settings = task_named(task).preparation
    if settings.image_size is not None:
        settings = replace(settings, image_size=(128, 160))
    scores = []
    for case in manifest.cases:
        prepared = prepare_case(case, manifest.channels, manifest.regions, settings)
        head = (prepared.image != 0).any(axis=0)
        scores.append(
            [
                [best_dice(image[head], mask[head]) for image in prepared.image]
                for mask in prepared.target
            ]
        )

    mean = np.mean(scores, axis=0)

    assert mean.shape == (len(manifest.regions), len(manifest.channels))
    assert mean.max() < LIMIT


def content(folder: Path) -> dict[Path, np.ndarray]:
    return {
        path.relative_to(folder): np.asarray(nib.load(path).dataobj)
        if path.name.endswith(".gz")
        else read_picture(path)
        for path in sorted(folder.rglob("*.*"))
        if path.suffix != ".json"
    }


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_one_seed_one_phantom_and_longer_sets_begin_alike(tmp_path, task):
    for name, count, seed in (("a", 1, 4), ("b", 2, 4), ("c", 1, 5)):
        (tmp_path / name).mkdir()
        make_phantom(TASKS[task], count, tmp_path / name, seed=seed)
    one, longer, other = (content(tmp_path / name) for name in "abc")

    assert all(np.array_equal(one[path], longer[path]) for path in one)
    assert any(not np.array_equal(one[path], other[path]) for path in one)


def test_brats_has_the_releases_layout(manifests):
    case = manifests["brats"].cases[0]

    assert case.images["t1ce"].parts[-2:] == ("BraTS2021_00000", "BraTS2021_00000_t1ce.nii.gz")
    scan, label = nib.load(case.images["flair"]), nib.load(case.label)
    assert nib.aff2axcodes(scan.affine) == ("L", "P", "S")
    assert scan.get_data_dtype() == np.int16
    assert set(np.unique(np.asarray(label.dataobj))) == {0, 1, 2, 4}
    assert np.asarray(scan.dataobj)[0, 0, 0] == 0


def test_brats_regions_are_nested_and_of_bearable_size(manifests):
    for case in manifests["brats"].cases:
        label = np.asarray(nib.load(case.label).dataobj)
        counts = [np.isin(label, values).sum() for values in manifests["brats"].regions.values()]
        assert counts[0] > counts[1] > counts[2] > 50


def test_isles_has_the_releases_layout(manifests):
    case = manifests["isles"].cases[0]

    assert "rawdata" in case.images["dwi"].parts
    assert "derivatives" in case.label.parts
    dwi, flair = nib.load(case.images["dwi"]), nib.load(case.images["flair"])
    assert nib.aff2axcodes(dwi.affine) == ("L", "A", "S")
    assert abs(dwi.affine[1, 2]) > 0.01
    assert dwi.shape != flair.shape
    assert len(set(case.spacing_mm)) == 2
    assert nib.load(case.label).get_data_dtype() == np.uint16
    assert dwi.get_fdata().min() < 0


def test_isles_infarcts_are_bright_in_dwi_and_dark_in_adc(manifests):
    for case in manifests["isles"].cases:
        infarct = np.asarray(nib.load(case.label).dataobj) > 0
        dwi, adc = (nib.load(case.images[name]).get_fdata() for name in ("dwi", "adc"))
        tissue = (dwi != 0) & ~infarct
        assert infarct.sum() > 10
        assert dwi[infarct].mean() > 1.3 * dwi[tissue].mean()
        assert adc[infarct].mean() < 0.7 * adc[tissue].mean()


def test_isles_flair_shows_the_patient_where_dwi_does(manifests):
    manifest = manifests["isles"]
    for case in manifest.cases:
        settings = task_named("isles").preparation
        image = prepare_case(case, manifest.channels, manifest.regions, settings).image
        head = image[0] != 0
        assert ((image[2] != 0) & head).sum() / head.sum() > 0.9


def test_polyp_has_the_releases_layout(manifests):
    case = manifests["polyp"].cases[0]

    assert Path(case.images["red"]).parts[-2] == "images"
    with Image.open(case.images["red"]) as picture, Image.open(case.label) as mask:
        assert (picture.mode, picture.format, mask.format) == ("RGB", "JPEG", "JPEG")
        assert picture.size == mask.size
        grey = np.asarray(mask.convert("L"))
    # JPEG leaves grey rims, as in the release: a threshold of 0 would grow the polyp.
    assert (grey > 0).sum() > (grey >= 128).sum()


def test_refuses_no_cases_and_a_task_without_a_maker(tmp_path):
    with pytest.raises(InputError, match="--phantom 0: not a number of cases"):
        make_phantom(POLYP, 0, tmp_path, seed=0)
    with pytest.raises(InputError, match="--phantom: there is no maker of polyp cases; give --sou"):
        make_phantom(replace(POLYP, phantom=None), 1, tmp_path, seed=0)
