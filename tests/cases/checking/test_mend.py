import nibabel as nib
import numpy as np
import pytest

from inspire_med.cases.checking.mend import mend_case
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.tasks.task import Preparation

LPS, RAS = np.diag([-1.0, -1, 2, 1]), np.diag([1.0, 1, 3, 1])
STROKE = Preparation(reference="dwi", resampled=("flair",))
EXPECTED = Expectation(("dwi", "flair"), (0, 1), preparation=STROKE)


@pytest.fixture
def stroke(tmp_path):
    """Diffusion and its label in LPS; FLAIR in RAS, on a grid of its own."""

    def save(name, values, affine):
        nib.save(nib.Nifti1Image(values, affine), tmp_path / f"{name}.nii.gz")
        return tmp_path / f"{name}.nii.gz"

    scan = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    images = {"dwi": save("dwi", scan, LPS), "flair": save("flair", scan[..., :4], RAS)}
    return FoundCase("s", "s", images, save("msk", (scan > 60).astype(np.uint8), LPS))


@pytest.mark.parametrize(
    ("usual", "turned"),
    [
        ({"dwi": "LPS", "flair": "RAS"}, []),
        ({"dwi": "LPS", "flair": "LPS"}, ["flair"]),
        ({"dwi": "RAS", "flair": "RAS"}, ["dwi", "msk"]),
        ({"flair": "LPS"}, ["flair"]),
        ({}, []),
    ],
)
def test_a_channel_is_turned_as_others_of_it_lie_and_the_label_as_the_reference(
    stroke, usual, turned
):
    mended, problems = mend_case(stroke, EXPECTED, usual)

    assert problems == []
    done = {path.name.partition(".")[0]: work.done for path, work in mended.items() if work.done}
    assert list(done) == turned
    assert all("axes put in the order" in words[0] for words in done.values())


@pytest.mark.parametrize(("ignore", "outside"), [(None, 0), (2, 2)])
def test_beyond_a_smaller_label_nobody_has_judged(tmp_path, ignore, outside):
    scan = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
    label = np.ones((3, 5, 4), np.uint8)
    label[0] = 0
    for name, values in (("ct", scan), ("msk", label)):
        nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / f"{name}.nii.gz")
    values = (0, 1) if ignore is None else (0, 1, ignore)
    expected = Expectation(("ct",), values, preparation=Preparation(ignore=ignore))
    case = FoundCase("a", "a", {"ct": tmp_path / "ct.nii.gz"}, tmp_path / "msk.nii.gz")

    mended, problems = mend_case(case, expected, {})
    mended[tmp_path / "msk.nii.gz"].save(tmp_path / "new.nii.gz")

    assert problems == []
    found = np.asarray(nib.load(tmp_path / "new.nii.gz").dataobj)
    np.testing.assert_array_equal(found[:3], label)
    np.testing.assert_array_equal(found[3:], outside)
