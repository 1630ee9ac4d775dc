from pathlib import Path

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.words import MEASURES
from inspire_med.evaluation.protocols import PROTOCOLS, RegionPair, protocol


def cube_pair(spacing=(1.0, 1.0, 1.0)):
    mask = np.zeros((5,) * len(spacing), dtype=bool)
    mask[(slice(1, 4),) * len(spacing)] = True
    return RegionPair(mask, mask, spacing, mask.shape, (0,) * mask.ndim)


def test_segmentation_has_the_measures_of_the_contract():
    assert list(protocol("segmentation").score(cube_pair()).measures) == [
        "dice",
        "iou",
        "precision",
        "recall",
        "specificity",
        "hd95_mm",
        "assd_mm",
        "nsd@1mm",
        "nsd@2mm",
        "volume_difference_ml",
    ]


def test_a_flat_image_has_no_volume():
    assert (
        "volume_difference_ml" not in protocol("segmentation").score(cube_pair((1.0, 1.0))).measures
    )


def test_volume_difference_is_prediction_minus_reference_in_ml():
    empty, full = np.zeros((10, 10, 10), dtype=bool), np.ones((10, 10, 10), dtype=bool)
    pair = RegionPair(empty, full, (1.0, 2.0, 0.5), (10, 10, 10), (0, 0, 0))

    assert protocol("segmentation").score(pair).measures["volume_difference_ml"] == pytest.approx(
        1.0
    )


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_policy_speaks_of_every_measure(name):
    rules = protocol(name)
    text = "\n".join(rules.policy)

    assert all(measure in text for measure in rules.score(cube_pair()).measures)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_measure_can_be_written_in_a_report(name):
    assert set(protocol(name).score(cube_pair()).measures) <= set(MEASURES)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_documentation_speaks_of_every_protocol_and_measure(name):
    page = (Path(__file__).parents[3] / "docs" / "protocols.md").read_text()

    assert f"`{name}`" in page
    assert all(f"`{measure}`" in page for measure in protocol(name).score(cube_pair()).measures)


@pytest.mark.parametrize(
    ("name", "hint"), [("segmentatoin", "did you mean segmentation"), ("xyz", "known: segment")]
)
def test_an_unknown_protocol_is_named_with_a_guess(name, hint):
    with pytest.raises(InputError, match=f"option --protocol: .*{hint}"):
        protocol(name)
