import json
import runpy
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.phantom import glioma
from inspire_med.cases.phantom.make import WRITERS, make_phantom
from inspire_med.cases.phantom.sizes import Tumour
from inspire_med.cases.phantom.subject import Subject
from inspire_med.cases.prepare import prepare_case
from inspire_med.errors import InputError
from inspire_med.imaging.masks import Regions
from inspire_med.prepare import main as prepare
from inspire_med.tasks.find import TASKS, task_named

ROOT = Path(__file__).parents[3]
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


def content(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in (".gz", ".jpg")
    }


@pytest.mark.slow
@pytest.mark.parametrize("maker", WRITERS)
def test_one_seed_the_same_bytes_and_longer_sets_begin_alike(tmp_path, maker):
    for name, count, seed in (("a", 1, 4), ("b", 2, 4), ("c", 1, 5)):
        (tmp_path / name).mkdir()
        make_phantom(maker, count, tmp_path / name, seed=seed)
    one, longer, other = (content(tmp_path / name) for name in "abc")

    assert len(longer) == 2 * len(one) > 0
    assert all(longer[path] == found for path, found in one.items())
    assert all(other[path] != found for path, found in one.items())


def test_brats_has_the_releases_layout(manifests):
    case = manifests["brats"].cases[0]

    assert case.images["t1ce"].parts[-2:] == (
        "BraTS-GLI-00000-000",
        "BraTS-GLI-00000-000-t1c.nii.gz",
    )
    scan, label = nib.load(case.images["flair"]), nib.load(case.label)
    assert nib.aff2axcodes(scan.affine) == ("L", "P", "S")
    assert scan.get_data_dtype() == np.int16
    assert set(np.unique(np.asarray(label.dataobj))) == {0, 1, 2, 3}
    assert np.asarray(scan.dataobj)[0, 0, 0] == 0


def counts_of(case: Case, regions: Regions) -> list[int]:
    label = np.asarray(nib.load(case.label).dataobj)
    return [int(np.isin(label, values).sum()) for values in regions.values()]


def test_brats_regions_are_nested(manifests):
    manifest = manifests["brats"]
    for case in manifest.cases:
        whole, core, enhancing = counts_of(case, manifest.regions)
        assert whole > core > enhancing > 0


# 2.5 mm voxels are 64 to the ml, voxels of 1 mm 1,000.
@pytest.mark.parametrize(
    ("size", "shape", "voxels"),
    [
        ("small", (64, 64, 48), 64),
        pytest.param("full", (240, 240, 155), 1000, marks=pytest.mark.slow),
    ],
)
def test_brats_regions_have_their_volumes_to_the_voxel(tmp_path, monkeypatch, size, shape, voxels):
    monkeypatch.setattr(glioma, "draw_tumour", lambda *_: Tumour(90, 40, 5))
    name = glioma.write_case(tmp_path, Subject.draw(0, 1), size)

    label = np.asarray(nib.load(tmp_path / name / f"{name}-seg.nii.gz").dataobj)

    assert label.shape == shape
    assert [(label == value).sum() for value in (1, 2, 3)] == [
        35 * voxels,
        50 * voxels,
        5 * voxels,
    ]


# Medians of eleven real cases, as scripts/bench/mask_contrasts.py prints them.
REAL_CONTRASTS = {  # oedema, necrosis, enhancing
    "flair": (1.7, 2.5, 2.0),
    "t1": (0.2, -0.7, -0.1),
    "t1ce": (0.1, -0.4, 1.6),
    "t2": (0.8, 2.5, 1.5),
}


def test_tumours_stand_off_the_brain_as_real_ones_do(manifests):
    contrasts = runpy.run_path(str(ROOT / "scripts" / "bench" / "mask_contrasts.py"))["contrasts"]
    manifest = manifests["brats"]
    found = [contrasts(case, manifest) for case in manifest.cases]

    real = np.array([REAL_CONTRASTS[name] for name in manifest.channels])
    assert np.abs(np.median(found, axis=0) - real).max() < 1


def test_a_patient_seen_again_has_the_same_tumour(tmp_path):
    labels = []
    for number, body in ((2, None), (14, 2)):  # by its number alone, 14 is of high grade
        name = glioma.write_case(tmp_path, Subject.draw(0, number, body_of=body), "small")
        labels.append(np.asarray(nib.load(tmp_path / name / f"{name}-seg.nii.gz").dataobj))

    np.testing.assert_array_equal(*labels)


def test_sites_take_turns_and_a_site_can_be_left_out(manifests, tmp_path):
    sites = {task: [case.site for case in manifests[task].cases] for task in TASKS}
    assert sites["brats"].count("GLI") == sites["brats"].count("SSA") == 3
    assert {site: sites["polyp"].count(site) for site in sites["polyp"]} == {
        f"Phantom-C{number}": 2 for number in (1, 2, 3)
    }
    assert sites["isles"] == ["centre1", "centre2", "centre3"] * 2
    words = ["--task", "polyp", "--source", str(manifests["polyp"].root), "--group_by", "site"]
    assert prepare([*words, "--out", str(tmp_path / "sites.json")]) == 0
    folds = {case.site: case.fold for case in Manifest.load(tmp_path / "sites.json").cases}
    assert sorted(folds.values()) == [0, 1, 2]


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


def test_nnunet_has_dataset_json_and_thick_slices(tmp_path):
    assert prepare(["--task", "nnunet", "--phantom", "3", "--out", str(tmp_path / "made")]) == 0
    raw = tmp_path / "made" / "Dataset900_Phantom"
    manifest = Manifest.load(tmp_path / "made" / "manifest.json")

    said = json.loads((raw / "dataset.json").read_text())
    assert said["numTraining"] == len(list((raw / "imagesTr").iterdir())) == 3
    assert said["channel_names"] == {"0": "CT"}
    assert (manifest.task.name, manifest.task.preparation.intensity) == ("Dataset900_Phantom", "ct")
    for case in manifest.cases:
        assert case.spacing_mm[2] >= 2 * case.spacing_mm[0]
        scan, label = (
            np.asarray(nib.load(path).dataobj) for path in (case.images["CT"], case.label)
        )
        assert {0, 1, 2} == set(np.unique(label))
        for organ, units in ((1, 100), (2, 115)):  # of Hounsfield
            assert abs(np.median(scan[label == organ]) - units) < 10
        assert (scan < -900).mean() > 0.3


def test_refuses_no_cases(tmp_path):
    with pytest.raises(InputError, match="--phantom 0: not a number of cases"):
        make_phantom("colon", 0, tmp_path, seed=0)
