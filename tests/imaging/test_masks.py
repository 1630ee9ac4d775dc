import numpy as np
import pytest

from inspire_med.imaging.masks import (
    ANY_LABEL,
    among,
    bounding_box,
    joint_box,
    labels_from_regions,
    region_masks,
    values_of,
)

BRATS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


def test_values_of_regions_that_overlap_are_named_once():
    assert values_of(BRATS) == {1, 2, 4}
    assert values_of({}) == set()


def test_box_holds_all_foreground_and_no_more():
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[1, 2, 6] = mask[3, 2, 4] = True

    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(4, 7))


def test_nothing_has_no_box():
    assert bounding_box(np.zeros((3, 3))) is None
    assert joint_box(np.zeros((3, 3)), np.zeros((3, 3))) is None


def test_joint_box_holds_both():
    first, second = np.zeros((2, 8, 8), dtype=int)
    first[1, 5], second[4, 2] = 3, 1

    assert joint_box(first, second) == (slice(1, 5), slice(2, 6))
    assert joint_box(first, np.zeros((8, 8))) == (slice(1, 2), slice(5, 6))


def test_a_region_is_where_any_of_its_values_stands():
    labels = np.array([[0, 1], [2, 4]])

    masks = region_masks(labels, {"TC": (1, 4), "none": (9,), "any": ANY_LABEL})

    assert masks.astype(int).tolist() == [[[0, 1], [0, 1]], [[0, 0], [0, 0]], [[0, 1], [1, 1]]]


def test_nested_regions_become_the_sets_own_values():
    masks = np.array([[0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]], bool)

    # The last place is enhancing outside of the whole tumour, and so nothing.
    assert labels_from_regions(masks, BRATS).tolist() == [0, 2, 1, 4, 0]


def test_the_outermost_region_comes_back_as_it_was_found():
    masks = np.random.default_rng(0).random((3, 200)) > 0.5

    labels = labels_from_regions(masks, BRATS)

    np.testing.assert_array_equal(labels > 0, masks[0])


@pytest.mark.parametrize(
    ("regions", "values"),
    [
        (BRATS, (0, 1, 2, 4)),
        ({"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}, (0, 1, 2, 3)),
        ({"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)}, (0, 1, 2, 3)),
        ({"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,), "RC": (4,)}, (0, 1, 2, 3, 4)),
        ({"lesion": (1,)}, (0, 1)),
    ],
    ids=["brats2018", "brats2023", "msd", "brats2024", "isles"],
)
def test_labels_to_regions_and_back_is_the_same(regions, values):
    labels = np.random.default_rng(0).choice(values, (4, 5, 6)).astype(np.uint8)
    masks = np.stack([np.isin(labels, group) for group in regions.values()])

    found = labels_from_regions(masks, regions)

    np.testing.assert_array_equal(found, labels)
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    ("regions", "painted"),
    [({"all": (3, 5, 7), "core": (3,)}, [5, 3]), ({"all": (7, 2), "core": (2, 7)}, [2, 2])],
)
def test_a_region_paints_the_lowest_value_that_is_its_own(regions, painted):
    masks = np.array([[1, 1], [0, 1]], bool)

    assert labels_from_regions(masks, regions).tolist() == painted


@pytest.mark.parametrize("order", ["C", "F"])
def test_masks_lie_in_memory_as_their_labels_do(order):
    labels = np.asarray(np.arange(24).reshape(4, 3, 2) % 3, order=order)

    found = among(labels, (1, 2))

    assert found.strides == tuple(side // labels.itemsize for side in labels.strides)
    np.testing.assert_array_equal(found, labels > 0)
