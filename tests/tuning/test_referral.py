import nibabel
import numpy as np
import pytest

from inspire_med.inference.doubt import AS_SAID
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.tuning.example import Example
from inspire_med.tuning.referral import Outcome, Wrong, area, outcome_of, refer, risk_coverage

CASES = [
    Outcome("a", 0.9, 0.9),
    Outcome("b", 0.8, 0.5),
    Outcome("c", 0.7, 0.8),
    Outcome("d", 0.2, 0.1),
]


def test_the_surest_cases_come_first():
    assert risk_coverage(CASES[::-1]) == [
        (0.25, pytest.approx(0.1)),
        (0.5, pytest.approx(0.3)),
        (0.75, pytest.approx(0.8 / 3)),
        (1.0, pytest.approx(1.7 / 4)),
    ]


def test_the_area_is_least_where_confidence_orders_as_dice_does():
    right = [Outcome(each.id, each.dice, each.dice) for each in CASES]
    wrong = [Outcome(each.id, -each.dice, each.dice) for each in CASES]

    assert area(right) < area(CASES) < area(wrong)
    assert area(CASES) == pytest.approx((0.1 + 0.3 + 0.8 / 3 + 1.7 / 4) / 4)


def test_the_share_that_is_asked_for_is_referred():
    found = refer(CASES, np.arange(4), 0.25)

    assert found.limit == 0.7  # d alone lies below
    measured = found.to_json()
    # The limits of the three others: 0.7, 0.7, 0.8, 0.8.
    assert (measured["referred"]["n"], measured["referred"]["wrong"]) == (2, 1)
    assert measured["others"] == {
        "n": 2,
        "wrong": 1,
        "share": 0.5,
        "ci95": pytest.approx([0.0945, 0.9055], abs=1e-3),  # Wilson
    }
    assert found.areas["by_chance"] == pytest.approx(1.7 / 4)
    assert measured["cases"]["b"] == [0.8, 0.5]


def test_a_case_is_counted_by_the_limit_of_other_folds():
    """Fold 0 is surer of itself than fold 1, whose limit of 0.35 refers none of it."""
    cases = [
        *(Outcome(f"a{n}", sure, 0.9) for n, sure in enumerate((0.9, 0.8, 0.7))),
        *(Outcome(f"b{n}", sure, 0.2) for n, sure in enumerate((0.4, 0.35, 0.3))),
    ]

    found = refer(cases, np.array([0, 0, 0, 1, 1, 1]), 0.3)

    assert found.limit == 0.4  # of all: two of six lie below
    assert found.referred == Wrong(3, 3)  # all of fold 1 lie below fold 0's 0.8
    assert found.others == Wrong(3, 0)


def test_cases_as_sure_as_each_other_are_not_parted():
    found = refer([Outcome(str(n), 0.5, 0.9) for n in range(5)], np.arange(5), 0.4)

    assert found.limit == 0.5
    assert found.to_json()["referred"] == {"n": 0, "wrong": 0, "share": None, "ci95": None}


def test_the_order_of_cases_as_sure_as_each_other_does_not_matter():
    cases = [Outcome("a", 0.9, 1.0), Outcome("b", 0.5, 0.2), Outcome("c", 0.5, 0.8)]

    assert risk_coverage(cases) == risk_coverage(cases[::-1])
    assert [risk for _, risk in risk_coverage(cases)] == pytest.approx([0, 0.25, 1 / 3])
    equal = [Outcome(each.id, 0.5, each.dice) for each in cases]
    assert area(equal) == pytest.approx(refer(cases, np.arange(3), 0.2).areas["by_chance"])


def test_a_confidence_by_chance_refers_no_more_wrong_cases_than_others():
    random = np.random.default_rng(0)
    cases = [Outcome(str(n), *random.random(2)) for n in range(2000)]

    found = refer(cases, np.arange(2000) % 5, 0.2)

    share, others = (each.wrong / each.n for each in (found.referred, found.others))
    assert share == pytest.approx(others, abs=0.06)
    assert found.areas["by_confidence"] == pytest.approx(found.areas["by_chance"], abs=0.03)
    # No fold's limit is its own, and still a fifth of the cases lies below.
    assert found.referred.n == pytest.approx(400, abs=20)


def test_a_case_is_judged_by_the_masks_that_are_written(tmp_path):
    """A core outside of the whole is none, so predict paints it not."""
    labels = np.zeros((8, 6, 4), np.uint8)
    labels[1:4] = 2
    labels[2, 2:4] = 1
    regions = {"whole": (1, 2), "core": (1,)}
    chances = np.stack([labels > 0, labels == 1], -1).astype(np.float32)
    chances[6, :2, :, 1] = 0.9
    files = tmp_path / "a.nii.gz", tmp_path / "a_prob.nii.gz"
    for file, values in zip(files, (labels, chances), strict=True):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), file)

    judged = outcome_of(regions, Postprocessing(), AS_SAID, Example("a", 0, *files))

    assert judged.dice == 1.0
    assert judged.confidence < 1.0  # the chances of the core outside are doubt all the same
