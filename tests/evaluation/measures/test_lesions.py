import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import binary_dilation, generate_binary_structure, label

from inspire_med.evaluation.measures.lesions import (
    components,
    dilated,
    grouped,
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
    @given(masks, st.integers(0, 5))
    def test_is_that_of_the_18_neighbourhood(self, mask, steps):
        expected = mask
        for _ in range(steps):
            expected = binary_dilation(expected, generate_binary_structure(mask.ndim, 2))

        assert np.array_equal(dilated(mask, steps), expected)

    @given(masks, st.integers(1, 5))
    def test_ending_at_a_border_loses_nothing(self, mask, steps):
        inside = (slice(steps, -steps),) * mask.ndim

        assert np.array_equal(dilated(mask, steps), dilated(np.pad(mask, steps), steps)[inside])


class TestParts:
    @given(masks)
    def test_components_are_joined_by_corners(self, mask):
        numbers, count = label(mask, everywhere_connected(mask))

        found = components(mask)

        assert len(found) == count
        assert as_sets(found) - {frozenset()} == {
            frozenset(np.flatnonzero(numbers == number).tolist()) for number in range(1, count + 1)
        }
        assert np.array_equal(found.near > 0, mask)

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
        assert without_small(mask, 1, 0.002 / 0.1**3).sum() == 3  # 2 voxels, or 1.9999999999999996

    def test_fragments_count_together(self):
        mask = at((0, 0, 0), (0, 0, 2), (0, 0, 4))

        assert without_small(mask, 0, 2).sum() == 0
        assert without_small(mask, 1, 2).sum() == 3

    @given(masks, st.integers(0, 3), st.integers(0, 6))
    def test_the_others_stay_as_they_are(self, mask, steps, most):
        kept = grouped(without_small(mask, steps, most), steps)

        expected = {part for part in as_sets(grouped(mask, steps)) if len(part) > most}
        assert as_sets(kept) - {frozenset()} == expected - {frozenset()}
