"""Sets that leave little to choose by: nothing breaks, and nothing is claimed."""

import json
import re

import nibabel
import numpy as np
import pytest

from inspire_med.evaluation.protocols import protocol
from inspire_med.inference.doubt import read_doubt
from inspire_med.reports.tuning_page import Tuning, tuning_html
from inspire_med.tuning.doubt_search import search_doubt
from inspire_med.tuning.example import Example
from inspire_med.tuning.rule_search import Measure, search_rules

REGIONS = {"whole": (1, 2, 4), "core": (1, 4), "enhancing": (4,)}
AFFINE = np.diag([2.0, 2, 2.5, 1])


def labels_of(index):
    """Nested lesions; of every third case there is no enhancing part, of the sixth nothing."""
    labels = np.zeros((14, 12, 6), np.uint8)
    if index != 5:
        labels[2:9, 3 : 8 + index % 3, 1:5] = 2
        labels[3:7, 4:7, 2:4] = 1
        if index % 3:
            labels[4:6, 4:6, 2:4] = 4
    return labels


def found_right(index):
    return np.stack([0.9 * np.isin(labels_of(index), v) + 0.05 for v in REGIONS.values()], -1)


def found_noisy(index):
    noise = np.random.default_rng(index).normal(0, 0.3, (*labels_of(index).shape, 3))
    return np.clip(found_right(index) + noise, 0, 1)


def found_for_certain(index):
    return np.stack([1.0 * np.isin(labels_of(index), v) for v in REGIONS.values()], -1)


FOUND = {
    "right": found_right,
    "certain": found_for_certain,
    "noisy": found_noisy,
    "nothing": lambda index: np.zeros((*labels_of(index).shape, 3)),
    "everything": lambda index: np.ones((*labels_of(index).shape, 3)),
    "undecided": lambda index: np.full((*labels_of(index).shape, 3), 0.5),
}


def tuned(folder, found, folds, name="brats2023-gli"):
    examples = []
    for index, fold in enumerate(folds):
        label, maps = folder / f"{index}.nii.gz", folder / f"{index}_prob.nii.gz"
        nibabel.save(nibabel.Nifti1Image(labels_of(index), AFFINE), label)
        nibabel.save(nibabel.Nifti1Image(found(index).astype(np.float32), AFFINE), maps)
        examples.append(Example(str(index), fold, label, maps))
    common = {"workers": 1, "advance": lambda: None}
    search = search_rules(examples, REGIONS, Measure.of(protocol(name)), spatial_dims=3, **common)
    sure = search_doubt(examples, REGIONS, search.rules, share=0.2, **common)
    return search, sure, {each.id: each.fold for each in examples}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FOUND)
@pytest.mark.parametrize(
    "folds",
    [(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2), (0, 0, 0), (3, 3)],
    ids=["four", "one", "two cases"],
)
def test_whatever_the_set_is_like_numbers_are_numbers(tmp_path, kind, folds):
    search, sure, of_cases = tuned(tmp_path, FOUND[kind], folds)

    text = json.dumps([search.rules.to_yaml(), sure.doubt.to_json()], allow_nan=False)
    (tmp_path / "doubt.json").write_text(json.dumps(json.loads(text)[1]))
    assert read_doubt(tmp_path / "doubt.json").temperature > 0
    assert np.isfinite(search.before).all()
    assert np.isfinite(search.after).all()
    assert all(0 <= each.confidence <= 1 and 0 <= each.dice <= 1 for each in sure.referral.outcomes)
    page = tuning_html(Tuning(search, sure, of_cases, tuple(REGIONS), "ml"))
    assert not re.search(r"\b(nan|inf)\b", page)


@pytest.mark.slow
def test_where_all_is_right_no_rule_is_kept_and_nobody_is_wrong(tmp_path):
    search, sure, _ = tuned(tmp_path, found_for_certain, [0, 1, 2, 3] * 2)

    assert search.rules.regions == {}
    np.testing.assert_array_equal(search.before, 1)
    assert sure.referral.referred.n == 0  # all are as sure as each other
    assert sure.referral.others.wrong == 0
    assert sure.referral.areas == {"by_confidence": 0, "by_chance": 0, "by_dice": 0}


@pytest.mark.slow
def test_where_nothing_is_found_no_rule_helps_and_all_is_wrong_but_the_empty(tmp_path):
    search, sure, _ = tuned(tmp_path, FOUND["nothing"], [0, 1, 2, 3] * 2)

    assert search.rules.regions == {}
    wrong = {each.id for each in sure.referral.outcomes if each.is_wrong}
    assert wrong == {"0", "1", "2", "3", "4", "6", "7"}
    assert sure.referral.referred.n == 0
