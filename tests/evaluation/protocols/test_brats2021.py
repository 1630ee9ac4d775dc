import math

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.case import score_maps
from inspire_med.evaluation.protocols.brats2021 import BRATS2021
from inspire_med.evaluation.protocols.segmentation import SEGMENTATION
from inspire_med.imaging.labels import LabelMap


def score(reference, prediction, rules=BRATS2021, spacing=(1.0, 1.0, 1.0)):
    maps = (LabelMap(labels, spacing, None, "array") for labels in (reference, prediction))
    return score_maps(*maps, rules, regions=BRATS2021.regions)


def tumour():
    """Oedema (2) around a core (1) with an enhancing part (4)."""
    labels = np.zeros((12, 12, 12), dtype=np.uint8)
    labels[2:10, 2:10, 2:10] = 2
    labels[4:8, 4:8, 4:8] = 1
    labels[5:7, 5:7, 5:7] = 4
    return labels


def test_labels_are_1_2_and_4():
    without_enhancing = np.where(tumour() == 4, 1, tumour())

    found = score(tumour(), without_enhancing)

    assert {region: result.measures["dice"] for region, result in found.items()} == {
        "WT": 1,
        "TC": 1,
        "ET": 0,
    }


def test_label_3_is_refused():
    with pytest.raises(InputError, match="holds label 3, which is in no region"):
        score(tumour(), np.where(tumour() == 4, 3, tumour()))


def test_a_flat_image_is_refused():
    with pytest.raises(InputError, match="protocol brats2021 scores volumes"):
        score(tumour()[0], tumour()[0], spacing=(1.0, 1.0))


@pytest.mark.parametrize("swapped", [False, True])
def test_one_empty_mask_costs_the_diagonal_of_a_brats_volume(swapped):
    pair = [tumour(), np.zeros_like(tumour())]

    found = score(*(pair[::-1] if swapped else pair))["WT"].measures

    assert found["hd95_mm"] == found["assd_mm"] == math.sqrt(240**2 + 240**2 + 155**2)
    assert round(found["hd95_mm"], 4) == 373.1287
    assert found["dice"] == found["recall"] == found["nsd@1mm"] == 0


def test_two_empty_masks_agree():
    nothing = np.zeros_like(tumour())

    found = score(nothing, nothing)["ET"].measures

    assert found["dice"] == found["recall"] == found["specificity"] == found["nsd@2mm"] == 1
    assert found["hd95_mm"] == found["assd_mm"] == found["volume_difference_ml"] == 0


def test_specificity_without_any_background_is_zero():
    full = np.full((3, 3, 3), 4, dtype=np.uint8)

    assert score(full, full)["ET"].measures["specificity"] == 0


def test_specificity_is_that_of_the_whole_volume():
    found = score(tumour(), np.roll(tumour(), 1, axis=0))["ET"].measures

    assert found["specificity"] == 1 - 4 / (12**3 - 8)


def test_elsewhere_it_agrees_with_the_general_protocol():
    prediction = np.roll(tumour(), 2, axis=1)
    spacing = (0.9, 1.0, 3.0)

    ours, general = (
        score(tumour(), prediction, rules, spacing) for rules in (BRATS2021, SEGMENTATION)
    )

    assert {region: result.measures for region, result in ours.items()} == {
        region: result.measures for region, result in general.items()
    }


def test_the_policy_and_the_words_cover_every_measure():
    measures = score(tumour(), tumour())["WT"].measures
    text = "\n".join(BRATS2021.policy)

    assert set(measures) <= set(BRATS2021.measures)
    assert all(measure in text for measure in measures)
    assert "373.1287" in text
