"""Rules on masks drawn by hand, in 2-D and 3-D."""

import numpy as np
import pytest
import yaml

from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.placement import Placement
from inspire_med.inference.postprocess import (
    Postprocessing,
    RegionRules,
    read_postprocessing,
    size_of_voxel,
)
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.sliding_window import ONE

BRATS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


def drawn(*rows):
    return np.array([[letter == "#" for letter in row] for row in rows])


TWO_PARTS = drawn(
    "###....",
    "#.#....",
    "###..#.",
)


def test_by_default_nothing_is_done():
    assert np.array_equal(RegionRules()(TWO_PARTS, 1.0), TWO_PARTS)


def test_what_is_enclosed_is_filled():
    found = RegionRules(fill_holes=True)(TWO_PARTS, 1.0)

    assert np.argwhere(found != TWO_PARTS).tolist() == [[1, 1]]


@pytest.mark.parametrize(("least", "kept"), [(1.0, 9), (1.01, 8), (8.0, 8), (8.01, 0)])
def test_small_parts_go(least, kept):
    assert RegionRules(smallest_part=least)(TWO_PARTS, 1.0).sum() == kept
    assert RegionRules(smallest_part=least / 1000)(TWO_PARTS, 1 / 1000).sum() == kept


def test_the_largest_part_stays_alone():
    found = RegionRules(largest_only=True)(TWO_PARTS, 1.0)

    assert not found[2, 5]
    assert found.sum() == 8


@pytest.mark.parametrize(("least", "kept"), [(9.0, 9), (9.01, 0)])
def test_a_region_that_is_small_altogether_goes(least, kept):
    assert RegionRules(smallest_total=least)(TWO_PARTS, 1.0).sum() == kept


def test_parts_that_share_a_corner_are_one():
    volume = np.zeros((3, 3, 3), bool)
    volume[0, 0, 0] = volume[1, 1, 1] = True

    assert RegionRules(smallest_part=2)(volume, 1.0).sum() == 2
    assert RegionRules(smallest_part=2)(volume[:, 0], 1.0).sum() == 0


def test_rules_come_in_their_order():
    """Holes are filled first, so that a ring of 8 counts 9."""
    found = RegionRules(fill_holes=True, smallest_part=9, smallest_total=9)(TWO_PARTS, 1.0)

    assert found.sum() == 9
    assert found[1, 1]


@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 5)])
def test_nothing_stays_nothing(shape):
    rules = RegionRules(0.3, fill_holes=True, smallest_part=1, largest_only=True, smallest_total=1)

    assert not rules(np.zeros(shape, bool), 1.0).any()


def test_sizes_are_in_ml_and_in_per_cent_of_a_picture():
    oblique = np.array([[0, -2.0, 0, 0], [2.0, 0, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1]])

    assert size_of_voxel((4, 4, 4), oblique) == pytest.approx(0.02)
    assert size_of_voxel((20, 50), None) == pytest.approx(0.1)


def brats(rules, probabilities, spacing_mm=None):
    shape = probabilities.shape[1:]
    placement = Placement.of_volume(Grid(shape, np.eye(4)), Turn.none(3), None, spacing_mm, None)
    shares = np.rint(probabilities * ONE).astype(np.uint16)
    return Prediction.painted(shares, placement, BRATS, Postprocessing(rules), "").labels


def test_an_enhancing_tumour_that_is_too_small_becomes_core():
    probabilities = np.zeros((3, 4, 4, 4))
    probabilities[0, 1:], probabilities[1, 2:], probabilities[2, 3, 3, 3] = 0.9, 0.9, 0.9

    plain = brats({}, probabilities)
    ruled = brats({"ET": RegionRules(smallest_total=0.002)}, probabilities)

    assert plain[3, 3, 3] == 4
    assert ruled[3, 3, 3] == 1
    assert (ruled != plain).sum() == 1


@pytest.mark.parametrize("spacing_mm", [None, (0.5, 1.0, 1.0)])
def test_a_threshold_is_of_its_region_alone(spacing_mm):
    probabilities = np.full((3, 8 if spacing_mm else 4, 4, 4), 0.4)
    if spacing_mm:
        placement_shape = probabilities[:, ::2]
        shares = np.rint(probabilities * ONE).astype(np.uint16)
        placement = Placement.of_volume(
            Grid(placement_shape.shape[1:], np.eye(4)), Turn.none(3), None, spacing_mm, None
        )
        rules = Postprocessing({"WT": RegionRules(threshold=0.3)})
        labels = Prediction.painted(shares, placement, BRATS, rules, "").labels
    else:
        labels = brats({"WT": RegionRules(threshold=0.3)}, probabilities)

    assert (labels == 2).all()  # whole tumour alone


def test_rules_are_read_as_they_were_written(tmp_path):
    rules = Postprocessing(
        {"WT": RegionRules(threshold=0.4), "ET": RegionRules(smallest_total=0.2, fill_holes=True)},
        ({"region": "ET", "rule": "smallest_total", "gain": 0.1},),
    )
    file = tmp_path / "postprocess.yaml"
    file.write_text(yaml.safe_dump(rules.to_yaml()))

    assert read_postprocessing(file, BRATS) == rules
    assert rules.to_yaml()["regions"] == {
        "WT": {"threshold": 0.4},
        "ET": {"smallest_total": 0.2, "fill_holes": True},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("regions: {}", "not rules of postprocessing .*format is not 1.*; write format: 1 and"),
        ("[1, 2]", "not rules of postprocessing"),
        ("format: 1\nregions: {ET: {threshold: high}}", "not rules of postprocessing .*threshold"),
        ("format: 1\nregions: {ET: {dilate: 2}}", "not rules of postprocessing .*dilate"),
        (
            "format: 1\nregions: {liver: {threshold: 0.4}}",
            "has rules for liver, but the model gives WT, TC, ET; rename or remove it",
        ),
        ("format: 1\nregions: {ET: {threshold: 1.0}}", "ET has a threshold that is no probability"),
        ("format: 1\nregions: {ET: {smallest_part: .nan}}", ".*or a size below zero; correct it"),
        ("format: 1\nregions: {ET: {smallest_part: -1}}", ".*or a size below zero; correct it"),
    ],
)
def test_rules_that_are_none_are_refused(tmp_path, text, sentence):
    file = tmp_path / "mine.yaml"
    file.write_text(text)

    with pytest.raises(InputError, match=f"mine.yaml: {sentence}"):
        read_postprocessing(file, BRATS)
