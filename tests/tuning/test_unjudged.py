"""What nobody has judged chooses no rule, no temperature and no case to look at."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest

from inspire_med.evaluation.protocols import protocol
from inspire_med.inference.doubt import AS_SAID
from inspire_med.inference.postprocess import Postprocessing, RegionRules
from inspire_med.tuning.calibration import histogram_of
from inspire_med.tuning.example import Example
from inspire_med.tuning.referral import outcome_of
from inspire_med.tuning.rule_search import Measure, scores_under

REGIONS = {"lesion": (1,)}


@pytest.fixture
def half(tmp_path):
    """A lesion of 60 voxels and a miss of 20 in the half that was judged; the rest is to ignore."""
    labels = np.zeros((8, 10, 4), np.uint8)
    labels[1:4, 2:7], labels[5:] = 1, 2
    chances = np.where(labels == 1, 0.9, 0.1)
    chances[1, 2:7] = 0.1
    return written(tmp_path, "a", labels, chances), labels, chances


def written(folder, name, labels, chances):
    files = folder / f"{name}.nii.gz", folder / f"{name}_prob.nii.gz"
    for file, values in zip(files, (labels, chances[..., None].astype(np.float32)), strict=True):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), file)
    return Example(name, 0, *files, ignore=2)


def test_temperatures_are_fitted_to_the_voxels_that_were_judged(half):
    example, labels, _ = half

    found = histogram_of(REGIONS, example)

    assert found.inside.sum() == (labels == 1).sum() == 60
    assert found.outside.sum() == (labels == 0).sum()


def test_whatever_is_predicted_elsewhere_a_case_is_as_wrong(half, tmp_path):
    example, labels, chances = half
    other = written(tmp_path, "b", labels, np.where(labels == 2, 0.9, chances))

    judged = [outcome_of(REGIONS, Postprocessing(), AS_SAID, each) for each in (example, other)]

    assert [each.dice for each in judged] == pytest.approx([2 * 40 / (40 + 60)] * 2)
    without = replace(other, ignore=None)
    assert outcome_of({"lesion": (1,)}, Postprocessing(), AS_SAID, without).dice < 0.5


def test_rules_are_scored_on_what_was_judged_of_the_whole_mask(half, tmp_path):
    """A speck that joins a large part in the half that nobody knows is no speck."""
    _, labels, chances = half
    chances = np.where(labels == 2, 0.9, chances)
    chances[4, 0, 0] = 0.9
    example = written(tmp_path, "c", labels, chances)
    options = [Postprocessing(), Postprocessing({"lesion": RegionRules(smallest_part=0.03)})]

    rows = scores_under(options, REGIONS, Measure.of(protocol("segmentation")), example)

    assert rows == [pytest.approx([2 * 40 / (41 + 60)])] * 2
