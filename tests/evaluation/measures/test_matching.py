import math

import numpy as np
import pytest

from inspire_med.evaluation.measures.lesions import components, grouped
from inspire_med.evaluation.measures.matching import joined, lesion_table, match, overlaps


def at(*voxels, shape=(20, 20, 20)):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(np.transpose(voxels))] = True
    return mask


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

        assert found.hd95_mm((1, 1, 2.5)) == [5.0, 0.0]


class TestTable:
    def test_lists_lesions_of_the_reference_first(self):
        reference = at((1, 1, 1), (1, 1, 2), (10, 10, 10))
        prediction = at((1, 1, 1), (18, 18, 18))
        found = match(grouped(reference, 1), components(prediction))

        table = lesion_table(
            found, found.hd95_mm((1, 2, 3)), (1, 2, 3), origin=(100, 0, 7), larger_than=6
        )

        assert [each.kind for each in table] == ["matched", "missed", "spurious"]
        assert [each.size for each in table] == [12, 6, 6]
        assert [each.centre for each in table] == [(101, 1, 8.5), (110, 10, 17), (118, 18, 25)]
        assert [each.counted for each in table] == [True, False, True]
        assert table[0].dice == pytest.approx(2 / 3)
        assert table[1].dice == 0
        assert table[1].hd95_mm == math.inf
        assert math.isnan(table[2].dice)
        assert math.isnan(table[2].hd95_mm)

    @pytest.mark.parametrize("size", [0.1, 0.2, 0.4])
    def test_a_lesion_of_the_bound_does_not_exceed_it_on_a_float32_grid(self, size):
        spacing = (float(np.float32(size)),) * 3
        lesions = components(at((1, 1, 1), (1, 1, 2), (1, 1, 3), (5, 5, 5), (5, 5, 6)))

        table = lesion_table(match(lesions, lesions), [0, 0], spacing, (0, 0, 0), 2 * size**3)

        assert [each.counted for each in table] == [True, False]

    def test_of_nothing_is_empty(self):
        nothing = components(np.zeros((3, 3, 3), dtype=bool))

        assert lesion_table(match(nothing, nothing), [], (1, 1, 1), (0, 0, 0)) == ()


class TestOverlaps:
    def test_counts_what_each_pair_shares(self):
        reference = grouped(at((1, 1, 1), (1, 1, 3), (9, 9, 9)), 1)  # the first two are one lesion
        prediction = components(at((1, 1, 1), (1, 1, 2), (1, 1, 3), (9, 9, 9), (9, 9, 10)))

        lesion, part, voxels = overlaps(reference, prediction)

        assert (lesion.tolist(), part.tolist(), voxels.tolist()) == ([0, 1], [0, 1], [2, 1])

    def test_a_rim_shares_nothing(self):
        reference, prediction = grouped(at((5, 5, 5)), 2), components(at((5, 5, 6)))

        assert len(overlaps(reference, prediction).voxels) == 0
        assert len(overlaps(prediction, reference).voxels) == 0
