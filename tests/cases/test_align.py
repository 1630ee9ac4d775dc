import numpy as np
import pytest

from inspire_med.cases.align import header_problems, reference_channel
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.tasks.task import Preparation

STROKE = Preparation(reference="dwi", resampled=("flair",))


def test_reference_is_dwi_where_there_is_one(tmp_path):
    every = dict.fromkeys(("adc", "flair", "dwi"), tmp_path)
    assert reference_channel(every, every, STROKE) == "dwi"
    assert reference_channel(dict.fromkeys(("t1", "t2"), tmp_path), ["t1", "t2"], STROKE) == "t1"


@pytest.mark.parametrize(
    ("used", "reference"),
    [
        (("flair", "adc"), "adc"),  # which must lie on the grid of the labels, as dwi
        (("flair",), "dwi"),  # flair may lie anywhere
    ],
)
def test_a_channel_that_is_left_out_is_no_reference_if_another_can_be(tmp_path, used, reference):
    images = dict.fromkeys(("flair", "dwi", "adc"), tmp_path)

    assert reference_channel(images, used, STROKE) == reference


def test_a_case_that_lacks_its_reference_has_another(tmp_path):
    images = dict.fromkeys(("flair", "adc"), tmp_path)
    nowhere = Preparation(resampled=("flair",))

    assert reference_channel(images, ["flair", "adc"], STROKE) == "adc"
    assert reference_channel(images, ["flair"], nowhere) == "adc"
    assert reference_channel({"flair": tmp_path}, ["flair"], STROKE) == "flair"


@pytest.fixture
def found(tmp_path, write_nifti):
    names = ("dwi", "adc", "flair")
    scan = np.ones((4, 4, 4), np.float32)
    return FoundCase(
        "s", "s", {name: write_nifti(tmp_path / f"{name}.nii.gz", scan) for name in names}
    )


def test_headers_of_a_good_case_have_no_problem(found):
    assert header_problems(found, ("dwi", "adc"), Preparation()) == []


def test_headers_show_broken_files_and_other_grids(found, write_nifti):
    found.images["flair"].write_bytes(b"no scan")
    write_nifti(found.images["adc"], np.ones((4, 4, 5), np.float32))

    problems = header_problems(found, ("dwi", "adc", "flair"), STROKE)

    assert len(problems) == 2
    assert "flair.nii.gz: " in problems[0]
    assert "adc.nii.gz: has (4, 4, 5) voxels where dwi.nii.gz has (4, 4, 4)" in problems[1]


def test_the_header_of_a_picture_is_looked_at(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    found = FoundCase("a", "a", {"red": tmp_path / "a.png"}, components={"red": 0})

    (problem,) = header_problems(found, ("red",), Preparation())

    assert "a.png: not a readable image" in problem
