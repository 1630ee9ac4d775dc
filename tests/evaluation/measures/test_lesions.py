import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import binary_dilation, generate_binary_structure, label

from inspire_med.evaluation.measures.lesions import (
    components,
    dilated,
    grouped,
    joined,
    lesion_table,
    match,
    without_small,
)

shapes = st.one_of(
    st.tuples(*(st.integers(1, 12),) * 2),
    st.tuples(*(st.integers(1, 8),) * 3),
)
masks = shapes.flatmap(
    lambda shape: st.builds(
        lambda numbers, share: numbers < share,
        arrays.arrays(np.uint8, shape, elements=st.integers(0, 99)),
        st.sampled_from((2, 8, 40)),
    )
)


def at(*voxels, shape=(20, 20, 20)):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(np.transpose(voxels))] = True
    return mask


def everywhere_connected(mask):
    return generate_binary_structure(mask.ndim, mask.ndim)


def as_sets(parts):
    return {frozenset(places.tolist()) for places in np.split(parts.places, parts.starts[1:-1])}


class TestDilation:
    @settings(deadline=None, max_examples=60)
    @given(masks, st.integers(0, 5))
    def test_is_that_of_the_18_neighbourhood(self, mask, steps):
        expected = mask
        for _ in range(steps):
            expected = binary_dilation(expected, generate_binary_structure(mask.ndim, 2))

        assert np.array_equal(dilated(mask, steps), expected)

    @settings(deadline=None, max_examples=60)
    @given(masks, st.integers(1, 5))
    def test_ending_at_a_border_loses_nothing(self, mask, steps):
        inside = (slice(steps, -steps),) * mask.ndim

        assert np.array_equal(dilated(mask, steps), dilated(np.pad(mask, steps), steps)[inside])


class TestParts:
    @settings(deadline=None, max_examples=60)
    @given(masks)
    def test_components_are_joined_by_corners(self, mask):
        numbers, count = label(mask, everywhere_connected(mask))

        found = components(mask)

        assert len(found) == count
        assert as_sets(found) - {frozenset()} == {
            frozenset(np.flatnonzero(numbers == number).tolist()) for number in range(1, count + 1)
        }
        assert np.array_equal(found.near > 0, mask)

    @settings(deadline=None, max_examples=60)
    @given(masks, st.integers(0, 4))
    @example(np.array([[1], [0], [0], [0], [1]]) > 0, 0)
    @example(at((0, 3), (1, 4), (2, 2), (2, 4), (3, 0), shape=(4, 5)), 0)
    def test_lesions_are_what_joins_when_dilated(self, mask, steps):
        numbers, count = label(dilated(mask, steps), everywhere_connected(mask))

        found = grouped(mask, steps)

        assert len(found) == count
        assert as_sets(found) - {frozenset()} == {
            frozenset(np.flatnonzero(mask & (numbers == number)).tolist())
            for number in range(1, count + 1)
        }
        assert np.array_equal(found.near > 0, numbers > 0)

    def test_sizes_boxes_and_centres(self):
        found = components(at((0, 1, 2), (1, 2, 2), (10, 19, 3)))

        assert found.sizes.tolist() == [2, 1]
        assert found.lows.T.tolist() == [[0, 1, 2], [10, 19, 3]]
        assert found.highs.T.tolist() == [[1, 2, 2], [10, 19, 3]]
        assert found.centres.T.tolist() == [[0.5, 1.5, 2], [10, 19, 3]]

    @pytest.mark.parametrize("shape", [(1, 1, 1), (4, 5), (4, 5, 6)])
    def test_nothing_has_no_parts(self, shape):
        found = grouped(np.zeros(shape, dtype=bool), 3)

        assert len(found) == 0
        assert len(match(found, found).hits) == 0

    @pytest.mark.parametrize(("gap", "lesions"), [(6, 1), (7, 2)])
    def test_three_dilations_close_a_gap_of_six_voxels(self, gap, lesions):
        assert len(grouped(at((2, 5, 5), (3 + gap, 5, 5)), 3)) == lesions

    @pytest.mark.parametrize(("gap", "lesions"), [(2, 1), (3, 2)])
    def test_one_dilation_closes_a_gap_of_two_voxels(self, gap, lesions):
        assert len(grouped(at((2, 5, 5), (3 + gap, 5, 5)), 1)) == lesions

    @pytest.mark.parametrize("shape", [(9, 1, 1), (1, 9, 9), (7, 1, 8), (9, 9, 9), (9, 9)])
    def test_as_many_as_there_can_be(self, shape):
        mask = np.zeros(shape, dtype=bool)
        mask[(slice(None, None, 2),) * mask.ndim] = True

        assert len(components(mask)) == mask.sum()

    def test_more_than_fit_into_16_bits(self):
        mask = np.zeros((600, 500), dtype=bool)
        mask[::2, ::2] = True
        mask[0, 1] = True

        found = components(mask)

        assert len(found) == 300 * 250 - 1
        assert found.sizes[0] == 3
        assert np.array_equal(found.near.ravel()[found.places], found.owners + 1)


class TestSmallLesions:
    def test_the_bound_itself_is_removed(self):
        mask = at((0, 0, 0), (0, 0, 1), (10, 10, 10), (10, 10, 11), (10, 10, 12))

        assert without_small(mask, 1, 2).sum() == 3
        assert without_small(mask, 1, 1.9).sum() == 5

    def test_fragments_count_together(self):
        mask = at((0, 0, 0), (0, 0, 2), (0, 0, 4))

        assert without_small(mask, 0, 2).sum() == 0
        assert without_small(mask, 1, 2).sum() == 3

    @settings(deadline=None, max_examples=30)
    @given(masks, st.integers(0, 3), st.integers(0, 6))
    def test_the_others_stay_as_they_are(self, mask, steps, most):
        kept = grouped(without_small(mask, steps, most), steps)

        expected = {part for part in as_sets(grouped(mask, steps)) if len(part) > most}
        assert as_sets(kept) - {frozenset()} == expected - {frozenset()}


class TestJoining:
    def test_lesions_that_touch_one_other_become_one(self):
        ends, middle = (
            at((5, 5, 2), (5, 5, 12), (15, 15, 15)),
            at(*((5, 5, k) for k in range(3, 12))),
        )

        found = joined(grouped(ends, 1), grouped(middle, 1))

        assert sorted(found.sizes.tolist()) == [1, 2]
        assert np.array_equal(found.near.ravel()[found.places], found.owners + 1)
        assert np.array_equal(found.near > 0, grouped(ends, 1).near > 0)

    def test_an_edge_touches_and_a_corner_does_not(self):
        ends = at((5, 5, 5), (5, 5, 15))
        by_edges = at((6, 6, 5), (6, 6, 15), *((7, 7, k) for k in range(5, 16)))
        by_corners = at((6, 6, 6), (6, 6, 14), *((7, 7, k) for k in range(6, 15)))

        assert len(joined(grouped(ends, 1), grouped(by_edges, 1))) == 1
        assert len(joined(grouped(ends, 1), grouped(by_corners, 1))) == 2

    def test_one_that_touches_several_goes_with_the_first(self):
        lesions = at((5, 5, 4), (5, 5, 12), (5, 5, 20), shape=(20, 20, 30))
        others = at(
            *((5, 5, k) for k in range(5, 12)),  # touches the first and second lesion
            *((5, 5, k) for k in range(13, 20)),  # touches the second and third
            shape=(20, 20, 30),
        )

        found = joined(grouped(lesions, 1), components(others))

        assert sorted(found.sizes.tolist()) == [1, 2]  # the third stays alone

    def test_nothing_to_join_changes_nothing(self):
        some, none = grouped(at((5, 5, 5)), 1), grouped(at((15, 15, 15)), 1)

        assert joined(some, none) is some


class TestMatch:
    def test_a_part_in_the_rim_hits(self):
        reference, prediction = at((5, 5, 5)), at((5, 5, 8))

        assert match(grouped(reference, 3), components(prediction)).hits == [[0]]
        assert match(grouped(reference, 2), components(prediction)).hits == [[]]

    def test_a_part_may_hit_several_lesions(self):
        reference = at((2, 2, 2), (2, 2, 18))
        bridge = at(*((2, 2, k) for k in range(2, 19)), (15, 15, 15))

        found = match(grouped(reference, 1), components(bridge))

        assert found.hits == [[0], [0]]
        assert found.spurious == (1,)

    def test_a_lesion_is_compared_with_the_whole_of_what_hits_it(self):
        reference = at((2, 2, 2), (2, 2, 3))
        prediction = at((2, 2, 3), (2, 2, 4), (2, 2, 5), (3, 0, 0))

        found = match(grouped(reference, 3), components(prediction))

        assert found.dice.tolist() == [pytest.approx(2 * 1 / (2 + 4))]
        lesion, answer = found.masks(0)
        assert lesion.shape == answer.shape == (2, 3, 6)
        assert (lesion.sum(), answer.sum()) == (2, 4)

    def test_distance_is_that_of_the_lesion_alone(self):
        reference = at((5, 5, 5), (15, 15, 15))
        prediction = at((5, 5, 7), (15, 15, 15))

        found = match(grouped(reference, 3), components(prediction))

        assert [found.hd95_mm(k, (1, 1, 2.5)) for k in (0, 1)] == [5.0, 0.0]


class TestTable:
    def test_lists_lesions_of_the_reference_first(self):
        reference = at((1, 1, 1), (1, 1, 2), (10, 10, 10))
        prediction = at((1, 1, 1), (18, 18, 18))
        found = match(grouped(reference, 1), components(prediction))

        table = lesion_table(found, (1, 2, 3), origin=(100, 0, 7), larger_than=6)

        assert [each.kind for each in table] == ["matched", "missed", "spurious"]
        assert [each.size for each in table] == [12, 6, 6]
        assert [each.centre for each in table] == [(101, 1, 8.5), (110, 10, 17), (118, 18, 25)]
        assert [each.counted for each in table] == [True, False, True]
        assert table[0].dice == pytest.approx(2 / 3)
        assert table[1].dice == 0
        assert table[1].hd95_mm == math.inf
        assert math.isnan(table[2].dice)
        assert math.isnan(table[2].hd95_mm)

    def test_of_nothing_is_empty(self):
        nothing = components(np.zeros((3, 3, 3), dtype=bool))

        assert lesion_table(match(nothing, nothing), (1, 1, 1), (0, 0, 0)) == ()
