"""What lies around a patient, in MR and in CT; what is dark within is his own."""

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from inspire_med.cases.checking.background import dark_in, number_of_nothing, share_around
from inspire_med.cases.phantom.abdomen import SET
from inspire_med.cases.phantom.make import make_phantom
from inspire_med.prepare import main as prepare

ROWS, COLUMNS, SLICES = np.mgrid[:24, :24, :6]
RADIUS = np.hypot(ROWS - 11.5, COLUMNS - 11.5)


def lungs_in_ct(pad):
    """A body of 40 HU within a circle of noisy air, a pad around that, a lung of -850 HU."""
    random = np.random.default_rng(0)
    scan = np.select([RADIUS < 3, RADIUS < 8, RADIUS < 12], [-850, 40, -1000], pad)
    return scan + np.rint(random.normal(0, 20, scan.shape)) * (RADIUS < 12)


@pytest.mark.parametrize("pad", [-1000, -1024, -2000, -3024])
def test_in_ct_air_is_around_the_body_whatever_pads_it(pad):
    dark = dark_in(lungs_in_ct(pad))

    assert share_around((RADIUS > 9) & (RADIUS < 11), dark) == 1  # in the air
    assert share_around(RADIUS > 13, dark) == 1  # in the pad
    assert share_around((RADIUS > 4) & (RADIUS < 7), dark) == 0  # in the body
    assert share_around(RADIUS < 3, dark) == 0  # in the lung


def test_a_lung_cut_by_the_first_slice_is_still_in_the_body():
    """The first slice is no edge of a slice: most scans end within the chest."""
    assert share_around((RADIUS < 3) & (SLICES == 0), dark_in(lungs_in_ct(-1024))) == 0


def test_water_in_ct_is_not_around_anybody():
    scan = np.where(RADIUS < 3, 0, lungs_in_ct(-1024))  # a cyst of 0 HU

    assert share_around(RADIUS < 3, dark_in(scan)) == 0


@pytest.mark.parametrize("outside", [0, -0.53, 7])
def test_in_mr_the_corners_number_is_around_the_head(outside):
    scan = np.where(RADIUS < 8, 100.0 + ROWS, outside)
    scan[RADIUS < 2] = outside  # an emptied ventricle
    label = RADIUS < 9

    dark = dark_in(scan)

    assert share_around(RADIUS < 2, dark) == 0
    assert share_around(RADIUS > 9, dark) == 1
    outer = np.count_nonzero(label & (RADIUS >= 8))
    assert share_around(label, dark) == pytest.approx(outer / np.count_nonzero(label))


def test_corners_that_differ_say_nothing():
    scan = np.random.default_rng(0).normal(50, 5, RADIUS.shape)

    assert not dark_in(scan).any()
    assert share_around(RADIUS > 0, dark_in(scan)) == 0


def test_an_empty_label_lies_nowhere():
    assert share_around(RADIUS < 0, dark_in(lungs_in_ct(-1024))) == 0


@pytest.fixture(scope="module")
def abdomens(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("abdomens")
    make_phantom("abdomen", 3, folder, seed=0)
    return folder / SET


def warned(source, out):
    words = ["--task", "nnunet", "--source", str(source), "--out", str(out / "m.json"), "--check"]
    assert prepare(words) == 0
    return [line for line in (out / "m-check.csv").read_text().splitlines() if "around" in line]


@pytest.mark.parametrize("pad", [None, -2000, -3024])
def test_a_label_beside_the_body_is_found_in_ct(abdomens, tmp_path, pad):
    """Phantoms have their labels within; then one is shifted away from its organs."""
    source = tmp_path / SET
    shutil.copytree(abdomens, source)
    for path in (source / "imagesTr").iterdir() if pad else ():
        image = nib.load(path)
        values = np.asarray(image.dataobj).copy()
        rows, columns = np.indices(values.shape[:2])
        middle = np.array(values.shape[:2]) / 2
        values[np.hypot(rows - middle[0], columns - middle[1]) > middle[0]] = pad
        nib.save(nib.Nifti1Image(values, image.affine), path)
    assert warned(source, tmp_path) == []

    path = source / "labelsTr" / "phantom_001.nii.gz"
    label = nib.load(path)
    away = np.roll(np.asarray(label.dataobj), 40, axis=1)
    nib.save(nib.Nifti1Image(away, label.affine), path)
    (tmp_path / "again").mkdir()

    (row,) = warned(source, tmp_path / "again")
    assert "phantom_001" in row


@pytest.mark.parametrize(
    ("scan", "number"), [(lungs_in_ct(-1024), -1000), (np.abs(lungs_in_ct(0)), 0), ([], 0)]
)
def test_nothing_is_air_in_ct_and_zero_elsewhere(scan, number):
    assert number_of_nothing(np.array(scan)) == number
