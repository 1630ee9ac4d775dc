"""What must hold for any two masks, whatever they look like."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inspire_med.evaluation import evaluate_case

SYMMETRIC = ("dice", "iou", "hd95_mm", "assd_mm", "nsd@1mm", "nsd@2mm")
RATIOS = ("dice", "iou", "precision", "recall", "nsd@1mm", "nsd@2mm")

shapes = st.one_of(
    st.tuples(*(st.integers(1, 6),) * 2),
    st.tuples(*(st.integers(1, 5),) * 3),
)


@st.composite
def pairs(draw):
    """Two masks of one shape, and a spacing."""
    shape = draw(shapes)
    masks = arrays.arrays(np.uint8, shape, elements=st.integers(0, 1))
    spacing = draw(st.tuples(*(st.sampled_from((0.5, 0.9, 1.0, 2.0, 5.0)),) * len(shape)))
    return draw(masks), draw(masks), spacing


def scores(reference, prediction, spacing):
    found = evaluate_case(np.ascontiguousarray(reference), prediction, spacing_mm=spacing)
    return found["foreground"].measures


def assert_same(first, second, measures=None):
    for measure in measures or first:
        assert first[measure] == pytest.approx(second[measure], rel=1e-9, abs=1e-9, nan_ok=True), (
            measure
        )


@given(pairs())
def test_overlap_and_distance_do_not_ask_which_is_the_reference(pair):
    reference, prediction, spacing = pair

    there = scores(reference, prediction, spacing)
    back = scores(prediction, reference, spacing)

    assert_same(there, back, SYMMETRIC)
    assert there["precision"] == back["recall"]


@given(pairs(), st.data())
def test_flipping_an_axis_changes_nothing(pair, data):
    reference, prediction, spacing = pair
    axis = data.draw(st.integers(0, reference.ndim - 1))

    flipped = scores(np.flip(reference, axis), np.flip(prediction, axis), spacing)

    assert_same(scores(reference, prediction, spacing), flipped)


@given(pairs(), st.data())
def test_exchanging_axes_with_their_spacing_changes_nothing(pair, data):
    reference, prediction, spacing = pair
    order = data.draw(st.permutations(range(reference.ndim)))

    turned = scores(
        reference.transpose(order), prediction.transpose(order), [spacing[axis] for axis in order]
    )

    assert_same(scores(reference, prediction, spacing), turned)


@given(pairs(), st.data())
def test_a_wider_field_of_view_changes_specificity_alone(pair, data):
    reference, prediction, spacing = pair
    wide = [data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3))) for _ in spacing]

    padded = scores(np.pad(reference, wide), np.pad(prediction, wide), spacing)

    plain = scores(reference, prediction, spacing)
    assert_same(plain, padded, [measure for measure in plain if measure != "specificity"])


@given(pairs())
def test_values_stay_in_their_bounds(pair):
    found = scores(*pair)

    assert all(0 <= found[measure] <= 1 for measure in RATIOS)
    assert math.isnan(found["specificity"]) or 0 <= found["specificity"] <= 1
    assert found["hd95_mm"] >= 0
    assert found["assd_mm"] >= 0
    assert found["iou"] <= found["dice"]
    assert found["nsd@1mm"] <= found["nsd@2mm"]


@given(pairs())
def test_a_mask_agrees_with_itself(pair):
    mask, _, spacing = pair

    found = scores(mask, mask, spacing)

    assert all(found[measure] == 1 for measure in RATIOS)
    assert found["hd95_mm"] == found["assd_mm"] == 0
    assert found.get("volume_difference_ml", 0) == 0


@given(pairs(), st.permutations((1, 2, 3)))
def test_renaming_labels_with_their_regions_changes_nothing(pair, names):
    *masks, spacing = pair
    regions = {"a": (1,), "b": (2, 3)}
    table = np.array([0, *names])
    labels = [(mask + np.arange(mask.size).reshape(mask.shape)) % 4 for mask in masks]

    plain = evaluate_case(*labels, spacing_mm=spacing, regions=regions)
    renamed = evaluate_case(
        *(table[label] for label in labels),
        spacing_mm=spacing,
        regions={name: [int(table[v]) for v in values] for name, values in regions.items()},
    )

    assert list(plain) == list(renamed)
    for region in regions:
        assert_same(plain[region].measures, renamed[region].measures)
