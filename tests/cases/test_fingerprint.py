from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from inspire_med.cases import fingerprint as module
from inspire_med.cases.case import Case
from inspire_med.cases.fingerprint import RegionFacts, fingerprint_of
from inspire_med.errors import InputError
from inspire_med.tasks.task import Preparation

MRI = Preparation()
REGIONS = {"organ": (1, 2), "tumour": (2,)}


@pytest.fixture
def volume(tmp_path, write_nifti):
    """A case of 12 x 10 x 8 voxels, 1 x 2 x 3 mm, zero but for 8 x 6 x 4 of them."""

    def make(name, codes=(1, 1, 1), organ=True):
        data, label = np.zeros((12, 10, 8)), np.zeros((12, 10, 8), np.uint8)
        data[2:10, 2:8, 2:6] = 100
        if organ:
            label[2:4, 2:4, 2:4] = 1
            label[6:8, 6:8, 4:6] = 1
            label[6, 6, 4] = 2
            data[6, 6, 4] = 300
        affine = np.diag([codes[0] * 1.0, codes[1] * 2.0, codes[2] * 3.0, 1])
        image = write_nifti(tmp_path / f"{name}.nii.gz", data.astype(np.float32), affine)
        mask = write_nifti(tmp_path / f"{name}_seg.nii.gz", label, affine)
        return Case(name, name, {"mri": image}, data.shape, (1.0, 2.0, 3.0), mask)

    return make


def test_numbers_of_volumes_are_those_counted_by_hand(volume):
    cases = [volume("a"), volume("b", organ=False)]

    found = fingerprint_of(cases, ["mri"], REGIONS, MRI)

    assert (found.cases, found.spatial_dims) == (2, 3)
    assert found.spacings_mm == ((1.0, 2.0, 3.0),) * 2
    assert found.shapes == ((8, 6, 4),) * 2
    assert found.kept == 8 * 6 * 4 / (12 * 10 * 8)
    assert found.anisotropy == 3
    # 16 voxels of 6 mm3, in two parts; one of them is the tumour.
    assert found.regions["organ"] == RegionFacts(1, 0.096, 0.096, 0.096, 2)
    assert found.regions["tumour"] == RegionFacts(1, 0.006, 0.006, 0.006, 1)
    assert found.intensities["mri"]["mean"] == (15 * 100 + 300) / 16
    assert found.darkest == 0
    assert found.lines() == [
        "2 cases to train on, 2 cases read: median voxel 1 x 2 x 3 mm, 3 times as long as wide; "
        "median shape 8 x 6 x 4, 20% of the volume",
        "mri where labelled: 100 to 285 (99 % of the voxels), mean 112.5, sd 48.41",
        "region organ: in 1 of the 2 cases, median 0.096 ml (0.096 to 0.096), in 2 parts",
        "region tumour: in 1 of the 2 cases, median 0.006 ml (0.006 to 0.006), in 1 part",
    ]


def test_axes_are_those_of_the_network(tmp_path, write_nifti):
    data = np.ones((4, 6, 8), np.float32)
    affine = np.array([[0, 0, 1, 0], [2, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1.0]])  # A, S, R
    image = write_nifti(tmp_path / "a.nii.gz", data, affine)
    mask = write_nifti(tmp_path / "m.nii.gz", data.astype(np.uint8), affine)
    case = Case("a", "a", {"mri": image}, data.shape, (2.0, 3.0, 1.0), mask)

    found = fingerprint_of([case], ["mri"], {"organ": (1,)}, MRI)

    assert found.spacings_mm == ((1.0, 2.0, 3.0),)
    assert found.shapes == ((8, 4, 6),)


def test_ct_is_not_cropped(volume):
    ct = replace(MRI, intensity="ct", crop_to_foreground=False)

    found = fingerprint_of([volume("a")], ["mri"], REGIONS, ct)

    assert (found.shapes, found.kept) == (((12, 10, 8),), 1.0)


def test_a_fold_of_empty_masks_has_no_intensities(volume):
    found = fingerprint_of([volume("a", organ=False)], ["mri"], REGIONS, MRI)

    assert found.intensities == {}
    assert found.regions["organ"] == RegionFacts(0, 0.0, 0.0, 0.0, 0.0)
    assert found.lines()[1:] == [f"region {name}: in 0 of the 1 case" for name in REGIONS]


def test_pictures_have_shares_and_no_unit(tmp_path):
    picture = np.full((20, 30, 3), (10, 20, 30), np.uint8)
    mask = np.zeros((20, 30), np.uint8)
    mask[2:5, 2:6] = mask[5:8, 6:10] = 255  # they touch at a corner
    Image.fromarray(picture).save(tmp_path / "p.png")
    Image.fromarray(mask).save(tmp_path / "m.png")
    colours = ("red", "green", "blue")
    images = dict.fromkeys(colours, tmp_path / "p.png")
    case = Case("p", "p", images, (20, 30), (1.0, 1.0), tmp_path / "m.png")
    rgb = Preparation(orientation=None, intensity="rgb", crop_to_foreground=False)

    found = fingerprint_of([case], colours, {"polyp": (1,)}, rgb)

    assert (found.spatial_dims, found.shapes) == (2, ((20, 30),))
    assert found.regions["polyp"] == RegionFacts(1, 0.04, 0.04, 0.04, 1)
    assert [found.intensities[name]["mean"] for name in colours] == [10, 20, 30]


def test_of_many_cases_some_are_read_evenly_spread_and_told_of(volume, monkeypatch):
    monkeypatch.setattr(module, "MOST_READ", 2)
    broken = replace(volume("a"), label=None)  # between the first and the last: not read
    told = []

    found = fingerprint_of(
        [volume("a"), broken, volume("c")],
        ["mri"],
        REGIONS,
        MRI,
        workers=2,
        progress=lambda done, total: told.append((done, total)),
    )

    assert (found.cases, len(found.shapes)) == (3, 2)
    assert told == [(1, 2), (2, 2)]


def test_names_a_broken_file(volume):
    case = volume("a")
    case.images["mri"].write_bytes(b"no volume")

    with pytest.raises(InputError, match=r"a\.nii\.gz"):
        fingerprint_of([case, volume("b")], ["mri"], REGIONS, MRI)


def test_refuses_a_fold_without_labels():
    with pytest.raises(InputError, match="plan: no labelled case is left to go by"):
        fingerprint_of([], ["mri"], REGIONS, MRI)
