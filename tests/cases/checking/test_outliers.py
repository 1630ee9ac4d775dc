from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.checking.outliers import outliers, usual, usual_orientations
from inspire_med.cases.checking.scan import Scan
from inspire_med.cases.checking.verdict import Verdict
from inspire_med.imaging.grid import Grid

SCAN = Scan(Path("x"), Grid((9, 9, 9), np.diag([1.0, 1, 5, 1])), "int16", "mm", frozenset(), 0.5)


def verdict(number, scan):
    path = Path(f"{number}.nii")
    case = Case(str(number), str(number), {"t1": path}, (9, 9, 9), (1, 1, 5))
    return Verdict(case, scans=(("t1", replace(scan, path=path)),))


def said(scans):
    return [(each.case, each.cause) for each in outliers([verdict(*s) for s in enumerate(scans)])]


def sized(*mm):
    return replace(SCAN, grid=Grid((9, 9, 9), np.diag([*mm, 1.0])))


def test_a_set_alike_has_none():
    assert said([SCAN] * 9) == []


@pytest.mark.parametrize(
    ("mm", "named"), [((1, 1, 6), False), ((1, 1, 7), True), ((3, 1, 5), True)]
)
def test_voxels_are_odd_from_a_quarter_on_where_the_rest_are_alike(mm, named):
    found = said([*[SCAN] * 5, sized(*mm)])

    assert [case for case, _ in found] == ["5"] * named


def test_voxels_are_compared_whichever_way_the_slices_lie():
    assert not [cause for _, cause in said([*[SCAN] * 5, sized(5, 1, 1)]) if "voxels" in cause]


def test_a_set_of_many_scanners_has_wider_limits():
    sizes = [sized(1, 1, mm) for mm in (2.0, 3, 4, 5, 6, 7)]

    assert said([*sizes, sized(1, 1, 8)]) == []
    assert [case for case, _ in said([*sizes, sized(1, 1, 45)])] == ["6"]


@pytest.mark.parametrize("mm", [0.009, 51])
def test_sizes_that_no_patient_has_are_named_in_a_set_of_one(mm):
    ((case, cause),) = said([sized(1, 1, mm)])

    assert case == "0"
    assert cause == f"voxels of 1 x 1 x {mm} mm, as no patient's scan has"


@pytest.mark.parametrize(("value", "named"), [(0.43, False), (0.42, True), (0.9, False)])
def test_channels_agree_too_little_below_85_percent_of_the_sets_median(value, named):
    found = said([*[SCAN] * 5, replace(SCAN, agreement=value)])

    assert [case for case, _ in found] == ["5"] * named


def test_channels_that_agree_now_more_now_less_have_wider_limits():
    """Median 0.5, median distance 0.05: 4 robust deviations are 0.297."""
    spread = [replace(SCAN, agreement=value) for value in (0.4, 0.45, 0.5, 0.5, 0.55, 0.6)]

    assert said([*spread, replace(SCAN, agreement=0.25)]) == []
    assert [case for case, _ in said([*spread, replace(SCAN, agreement=0.15)])] == ["6"]


def test_too_few_cases_are_not_compared():
    assert said([*[SCAN] * 3, sized(2, 2, 2)]) == []


def test_what_is_usual_is_what_most_of_five_or_more_have():
    assert usual(["LPS"] * 3 + ["RAS"] * 2) == "LPS"
    assert usual(["LPS"] * 3 + ["RAS"] * 3) is None
    assert usual(["LPS"] * 4) is None
    assert usual([]) is None


def test_what_orientation_is_usual_is_asked_of_each_channel():
    """Diffusion in LPS, FLAIR in RAS: neither is odd, and a repair must not turn one."""
    flair = replace(SCAN, grid=Grid((9, 9, 9), np.diag([1.0, 1, 5, 1])))
    dwi = replace(SCAN, grid=Grid((9, 9, 9), np.diag([-1.0, -1, 5, 1])))
    verdicts = [
        replace(verdict(number, SCAN), scans=(("dwi", dwi), ("flair", flair)))
        for number in range(6)
    ]

    assert usual_orientations(verdicts) == {"dwi": "LPS", "flair": "RAS"}
    assert list(outliers(verdicts)) == []
    assert usual_orientations(verdicts[:4]) == {}
