from pathlib import Path

import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.checking.verdict import Verdict
from inspire_med.cases.checking.whole_set import look_over


def verdict(name, *values):
    path = Path(f"{name}.nii.gz")
    case = Case(name, name, {"t1": path}, (9, 9, 9), (1, 1, 1), path)
    return Verdict(case, values=frozenset(values))


def verdicts(empty, full):
    names = [f"e{number}" for number in range(empty)]
    return [
        *(verdict(name) for name in names),
        *(verdict(f"f{number}", 1) for number in range(full)),
    ]


@pytest.mark.parametrize(
    ("empty", "full", "grade", "said"),
    [
        (1, 2, "note", "region lesion is empty in 1 of 3 cases: e0"),
        (7, 1, "note", "region lesion is empty in 7 of 8 cases: e0, e1, e2, e3, e4 and 2 more"),
        (2, 0, "warning", "region lesion is empty in every case"),
    ],
)
def test_the_cases_of_an_empty_region_are_named(empty, full, grade, said):
    (finding,) = look_over([], verdicts(empty, full), {"lesion": (1,)})

    assert (finding.verdict, finding.cause) == (grade, said)


def test_a_region_that_is_nowhere_empty_is_not_spoken_of():
    assert look_over([], verdicts(0, 3), {"lesion": (1,)}) == []
