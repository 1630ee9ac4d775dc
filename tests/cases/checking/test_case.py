from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.checking.case import check_case
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.cases.checking.whole_set import empty_in
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import find_cases
from inspire_med.tasks.find import TASKS
from inspire_med.tasks.task import Preparation

BRATS = Expectation(("flair", "t1", "t1ce", "t2"), (0, 1, 2, 3, 4))
STROKE = Preparation(reference="dwi", resampled=("flair",))
ISLES = Expectation(("dwi", "flair"), (0, 1), preparation=STROKE)


def verdict_of(folder, expected=BRATS):
    return check_case(find_cases(TASKS["brats"], folder.parent).cases[0], expected)


def varied(shape, dtype=np.float32):
    """A volume that is not constant."""
    return np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)


def scan(folder, channel):
    return folder / f"{folder.name}_{channel}.nii.gz"


def test_a_good_case_has_no_problem(brats_case):
    verdict = verdict_of(brats_case)

    assert verdict.problems == ()
    assert verdict.case is not None
    assert verdict.case.shape == (8, 7, 6)
    assert verdict.values == {0, 1, 2, 4}
    # The label's box of 4 x 2 x 2 voxels in 8 x 7 x 6.
    assert verdict.foreground == pytest.approx(16 / 336)


def test_names_the_missing_modality(brats_case):
    scan(brats_case, "t1ce").unlink()

    verdict = verdict_of(brats_case)

    assert verdict.case is None
    (problem,) = verdict.problems
    assert problem.startswith(f"{brats_case}: case BraTS2021_00001 lacks t1ce; add the file")


def test_fills_a_missing_modality_when_asked_and_marks_it(brats_case):
    scan(brats_case, "t1ce").unlink()

    verdict = verdict_of(brats_case, Expectation(BRATS.channels, BRATS.values, fill_missing=True))

    assert verdict.case is not None
    assert verdict.case.filled == ("t1ce",)


def test_says_everything_that_is_wrong_not_only_the_first(brats_case, write_nifti):
    scan(brats_case, "t1").write_bytes(scan(brats_case, "t1").read_bytes()[:100])
    scan(brats_case, "t2").touch()
    write_nifti(scan(brats_case, "flair"), np.full((8, 7, 6), np.nan, np.float32))

    problems = verdict_of(brats_case).problems

    assert len(problems) == 2
    assert any("_t1.nii.gz: truncated" in problem for problem in problems)
    assert any("_flair.nii.gz: NaN or infinite in 336 voxels" in problem for problem in problems)


def test_refuses_images_of_one_case_of_different_shapes(brats_case, write_nifti):
    write_nifti(scan(brats_case, "t2"), varied((8, 7, 5), np.int16))

    (problem,) = verdict_of(brats_case).problems

    assert problem.startswith(f"{scan(brats_case, 't2')}: has (8, 7, 5) voxels where")
    assert problem.endswith("resample it to that grid.")


def test_refuses_images_of_one_case_in_different_places(brats_case, write_nifti):
    moved = np.eye(4)
    moved[2, 3] = 4.0
    write_nifti(scan(brats_case, "t2"), varied((8, 7, 6), np.int16), moved)

    (problem,) = verdict_of(brats_case).problems

    assert (
        "_t2.nii.gz: lies up to 4 mm away from BraTS2021_00001_flair.nii.gz (shifted along k), more"
        in problem
    )


def test_refuses_a_label_on_another_grid(brats_case, write_nifti):
    write_nifti(scan(brats_case, "seg"), np.zeros((8, 7, 5), np.uint8))

    assert "_seg.nii.gz: has (8, 7, 5) voxels" in verdict_of(brats_case).problems[0]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [(7, "holds label 7, which is in no region"), (0.5, "holds fractions"), (-1, "holds negative")],
)
def test_refuses_labels_outside_the_sets_values(brats_case, write_nifti, value, wrong):
    write_nifti(scan(brats_case, "seg"), np.full((8, 7, 6), value, np.float32))

    (problem,) = verdict_of(brats_case).problems

    assert f"_seg.nii.gz: {wrong}" in problem


def test_refuses_a_scan_of_nothing_but_zeros(brats_case, write_nifti):
    write_nifti(scan(brats_case, "t1"), np.zeros((8, 7, 6), np.int16))

    assert "_t1.nii.gz: every voxel of t1 is zero" in verdict_of(brats_case).problems[0]


def test_refuses_a_scan_of_one_value(brats_case, write_nifti):
    write_nifti(scan(brats_case, "t1"), np.full((8, 7, 6), 7, np.int16))

    assert "_t1.nii.gz: every voxel of t1 is 7; export" in verdict_of(brats_case).problems[0]


def test_allows_flair_on_another_grid_only_where_the_set_has_it_so(tmp_path, write_nifti):
    found = FoundCase(
        "s",
        "s",
        {
            "dwi": write_nifti(tmp_path / "dwi.nii.gz", varied((4, 4, 4), np.float32)),
            "flair": write_nifti(tmp_path / "flair.nii.gz", varied((8, 8, 2), np.float32)),
        },
    )

    assert check_case(found, ISLES).problems == ()
    strict = Expectation(ISLES.channels, ISLES.values)
    assert "flair.nii.gz: has (8, 8, 2) voxels" in check_case(found, strict).problems[0]


@pytest.mark.parametrize("channels", [("flair",), ("flair", "adc"), ("adc",)])
def test_the_dwi_is_read_for_its_grid_only_where_no_other_channel_lies_on_it(
    tmp_path, write_nifti, channels
):
    on_dwi, on_flair = varied((4, 4, 4), np.float32), varied((8, 8, 2), np.float32)
    images = {
        name: write_nifti(tmp_path / f"{name}.nii.gz", data)
        for name, data in (("dwi", on_dwi), ("adc", on_dwi), ("flair", on_flair))
    }
    label = write_nifti(tmp_path / "msk.nii.gz", np.zeros((4, 4, 4), np.uint8))
    found = FoundCase("s", "s", images, label)
    expected = Expectation(channels, (0, 1), preparation=STROKE)

    verdict = check_case(found, expected)
    assert verdict.problems == ()
    assert verdict.case is not None
    assert verdict.case.shape == (4, 4, 4)

    images["dwi"].write_bytes(b"no scan")
    problems = check_case(found, expected).problems
    assert ["dwi.nii.gz: " in each for each in problems] == [True] * (channels == ("flair",))


def test_refuses_a_flair_of_another_place(tmp_path, write_nifti):
    far = np.eye(4)
    far[:3, 3] = 90
    found = FoundCase(
        "s",
        "s",
        {
            "dwi": write_nifti(tmp_path / "dwi.nii.gz", varied((4, 4, 4), np.float32)),
            "flair": write_nifti(tmp_path / "flair.nii.gz", varied((8, 8, 2), np.float32), far),
        },
    )

    (problem,) = check_case(found, ISLES).problems

    assert "flair.nii.gz: shows nothing where dwi.nii.gz lies; do both belong" in problem


def picture_case(tmp_path, mask):
    Image.fromarray(np.full((6, 8, 3), 90, np.uint8)).save(tmp_path / "i.png")
    Image.fromarray(mask).save(tmp_path / "m.png")
    colours = {"red": 0, "green": 1, "blue": 2}
    images = dict.fromkeys(colours, tmp_path / "i.png")
    return FoundCase("i", "i", images, tmp_path / "m.png", components=colours)


def test_a_picture_has_its_size_in_pixels(tmp_path):
    mask = np.zeros((6, 8), np.uint8)
    mask[:3] = 255

    verdict = check_case(picture_case(tmp_path, mask), Expectation(("red",), (0, 1)))

    assert verdict.case is not None
    assert verdict.case.shape == (6, 8)
    assert verdict.foreground == 0.5
    assert len(verdict.signature) == 32


def test_refuses_a_mask_of_another_size(tmp_path):
    found = picture_case(tmp_path, np.zeros((6, 9), np.uint8))

    (problem,) = check_case(found, Expectation(("red",), (0, 1))).problems

    assert "m.png: its size 9 x 6 is not that of i.png, 8 x 6" in problem


def test_a_region_is_empty_where_none_of_its_values_occur(brats_case, write_nifti):
    full = verdict_of(brats_case)
    labels = np.zeros((8, 7, 6), np.uint8)
    labels[2, 3, 2] = 2
    write_nifti(scan(brats_case, "seg"), labels)
    part = verdict_of(brats_case)
    part = replace(part, case=replace(part.case, id="part"))
    unlabelled = replace(full, case=replace(full.case, label=None), values=frozenset())

    empty, labelled = empty_in([full, part, part, unlabelled], {"WT": (1, 2, 4), "TC": (1, 4)})

    assert (empty, labelled) == ({"WT": [], "TC": ["part", "part"]}, 3)


class TestALabelToIgnore:
    SCRIBBLES = Expectation(BRATS.channels, (0, 1, 2, 4, 9), preparation=Preparation(ignore=9))

    def test_is_no_label_of_a_region(self, brats_case, write_nifti):
        label = np.full((8, 7, 6), 9, np.uint8)
        label[3, 3, 2:5] = 0, 1, 4
        write_nifti(scan(brats_case, "seg"), label)

        verdict = verdict_of(brats_case, self.SCRIBBLES)

        assert verdict.problems == ()
        assert verdict.values == {0, 1, 4}
        assert (verdict.judged, verdict.foreground) == (pytest.approx(3 / 336), 2 / 336)

    def test_may_not_be_all_there_is(self, brats_case, write_nifti):
        write_nifti(scan(brats_case, "seg"), np.full((8, 7, 6), 9, np.uint8))

        (problem,) = verdict_of(brats_case, self.SCRIBBLES).problems

        assert "_seg.nii.gz: every voxel holds 9, the label to ignore" in problem

    def test_may_not_be_all_of_a_picture(self, tmp_path):
        found = picture_case(tmp_path, np.full((6, 8), 2, np.uint8))
        expected = Expectation(("red",), (0, 1, 2), preparation=Preparation(ignore=2))

        (problem,) = check_case(found, expected).problems

        assert "m.png: every voxel holds 2, the label to ignore" in problem

    def test_is_a_strange_label_where_a_set_has_none(self, brats_case, write_nifti):
        write_nifti(scan(brats_case, "seg"), np.full((8, 7, 6), 9, np.uint8))

        assert "holds label 9, which is in no region" in verdict_of(brats_case).problems[0]


@pytest.mark.parametrize(
    ("value", "wrong"), [(7, "holds label 7"), (0.5, "holds fractions"), (np.nan, "holds NaN")]
)
def test_a_label_that_is_wrong_and_lies_elsewhere_is_told_both(
    brats_case, write_nifti, value, wrong
):
    far = np.eye(4)
    far[:3, 3] = 9
    write_nifti(scan(brats_case, "seg"), np.full((8, 7, 6), value, np.float32), far)

    first, second = verdict_of(brats_case).problems

    assert f"_seg.nii.gz: {wrong}" in first
    assert "_seg.nii.gz: lies up to 16 mm away from" in second


@pytest.mark.parametrize(
    ("mask", "wrong"),
    [
        (np.full((6, 9), 7, np.uint16), "stored as uint16"),
        (np.arange(54, dtype=np.uint8).reshape(6, 9) * 4, "of its pixels are grey"),
    ],
)
def test_a_mask_that_is_wrong_and_of_another_size_is_told_both(tmp_path, mask, wrong):
    found = picture_case(tmp_path, mask)

    first, second = check_case(found, Expectation(("red",), (0, 1))).problems

    assert f"m.png: {wrong}" in first or wrong in first
    assert "m.png: its size 9 x 6 is not that of i.png, 8 x 6" in second
