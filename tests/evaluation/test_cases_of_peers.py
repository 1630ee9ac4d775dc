"""Ours beside what the unit tests of surface-distance and MONAI expect on the same masks."""

import math
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cases_of_peers import CASES, OURS

from inspire_med.evaluation import evaluate_case
from inspire_med.evaluation.measures.surface import (
    border_distances,
    hausdorff_mm,
    mean_mm,
    nsd,
    surface_distances,
)

DOCS = Path(__file__).parents[2] / "docs" / "protocols.md"
EXPECTED = [
    (case, measure, value)
    for case, (*_, values) in CASES.items()
    for measure, value in values.items()
]


def from_prediction(statistic, *pair):
    there = border_distances(*pair).from_prediction.distance_mm
    return statistic(there) if np.isfinite(there).all() and there.size else math.inf


def by_area(statistic, number, *pair):
    return statistic(surface_distances(*pair), number)


def by_border(statistic, number, *pair):
    return statistic(border_distances(*pair), number)


def scored(protocol, measure, *pair):
    return evaluate_case(*pair, protocol)["foreground"].measures[measure]


def function_of(measure):
    """Ours, of reference, prediction and spacing."""
    words, _, number = measure.partition("@")
    known = {
        "area hd100": partial(by_area, hausdorff_mm, 100),
        "area hd95": partial(scored, "segmentation", "hd95_mm"),
        "area nsd": partial(by_area, nsd, float(number or 0)),
        "hd100": partial(by_border, hausdorff_mm, 100),
        "hd95": partial(scored, "segmentation-border-max", "hd95_mm"),
        "nsd": partial(by_border, nsd, float(number or 0)),
        "assd": lambda *pair: mean_mm(border_distances(*pair)),
        "there hd100": partial(from_prediction, np.max),
        "there hd95": partial(from_prediction, lambda there: np.percentile(there, 95)),
        "there mean": partial(from_prediction, np.mean),
    }
    return known.get(words, partial(scored, "segmentation", words))


@pytest.mark.parametrize(("case", "measure", "theirs"), EXPECTED)
def test_equals_what_they_expect_or_what_the_docs_say(case, measure, theirs):
    prediction, reference, spacing, _ = CASES[case]
    digits = 5e-4 if case == "two cubes" else 1e-5  # they give three

    found = function_of(measure)(reference, prediction, spacing)

    ours = OURS.get((case, measure), theirs)
    assert found == pytest.approx(ours, rel=1e-5, abs=digits, nan_ok=True)
    assert (case, measure) not in OURS or found != pytest.approx(theirs, nan_ok=True)


def test_they_differ_where_a_mask_is_empty_alone():
    assert all("empty" in case for case, _ in OURS)


def test_the_docs_count_them():
    told = re.search(r"(\d+) values, (\d+) equal, (\d+) by another convention", DOCS.read_text())

    assert told
    equal = len(EXPECTED) - len(OURS)
    assert [int(each) for each in told.groups()] == [len(EXPECTED), equal, len(OURS)]
