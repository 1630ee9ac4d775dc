"""The surface measures against a second, slow implementation, written for reading.

It goes corner by corner and pair by pair, takes each corner's area from the facets' formula by
searching the symmetries at that corner, and shares nothing with the package but the class table.
"""

import itertools
import math

import numpy as np
import pytest
from examples import costly
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspire_med.evaluation.measures.surface import (
    border_distances,
    hausdorff_mm,
    mean_mm,
    nsd,
    surface_distances,
)
from inspire_med.evaluation.measures.surface_points import _CLASSES  # the published facts

# No distance is as long as a tolerance, and no part of an area such a share of it: at ties the last
# digit decides.
SPACINGS, TOLERANCES, PERCENTS = (0.5, 0.9, 1.0, 2.0, 5.0), (0.55, 1.05, 2.05), (50.3, 94.7, 100.0)


@st.composite
def pairs(draw):
    """Two masks that are not empty, and a spacing."""
    shape = draw(
        st.one_of(st.tuples(*(st.integers(1, 4),) * 3), st.tuples(*(st.integers(1, 7),) * 2))
    )
    masks = arrays(bool, shape).filter(np.any)
    return draw(masks), draw(masks), draw(st.tuples(*(st.sampled_from(SPACINGS),) * len(shape)))


@costly
@given(pairs())
def test_equals_the_second_implementation(pair):
    """1e-12 is for the order of sums."""
    by_area, by_border = surface_distances(*pair), border_distances(*pair)

    for percent in PERCENTS:
        expected = slow_hausdorff(*pair, percent)
        assert hausdorff_mm(by_area, percent) == pytest.approx(expected, abs=1e-12)
    for tolerance in TOLERANCES:
        assert nsd(by_area, tolerance) == pytest.approx(slow_nsd(*pair, tolerance), abs=1e-12)
    assert mean_mm(by_border) == pytest.approx(slow_assd(*pair), abs=1e-12)


def corners_with_areas(mask, spacing):
    dims = mask.ndim
    found = {}
    for corner in itertools.product(*(range(size + 1) for size in mask.shape)):
        neighbours = {
            offset: _inside(mask, tuple(c - 1 + o for c, o in zip(corner, offset, strict=True)))
            for offset in itertools.product((0, 1), repeat=dims)
        }
        if len(set(neighbours.values())) == 2:
            found[corner] = _area(neighbours, spacing)
    return found


def directed(mask, other, spacing):
    """(distance, area) of every surface corner of `mask` to the surface of `other`."""
    targets = list(corners_with_areas(other, spacing))
    return [
        (min(_distance(corner, target, spacing) for target in targets), area)
        for corner, area in corners_with_areas(mask, spacing).items()
    ]


def slow_hausdorff(reference, prediction, spacing, percent):
    return max(
        _reaching(sorted(directed(mask, other, spacing)), percent)
        for mask, other in ((reference, prediction), (prediction, reference))
    )


def slow_nsd(reference, prediction, spacing, tolerance):
    pairs = directed(reference, prediction, spacing) + directed(prediction, reference, spacing)
    return sum(a for d, a in pairs if d <= tolerance) / sum(a for _, a in pairs)


def slow_assd(reference, prediction, spacing):
    distances = [
        min(_distance(voxel, target, spacing) for target in _border(other))
        for mask, other in ((reference, prediction), (prediction, reference))
        for voxel in _border(mask)
    ]
    return sum(distances) / len(distances)


def _reaching(pairs, percent):
    whole, reached = sum(area for _, area in pairs), 0.0
    for distance, area in pairs:
        reached += area
        if reached / whole >= percent / 100:
            return distance
    return pairs[-1][0]


def _area(neighbours, spacing):
    dims = len(spacing)
    for order in itertools.permutations(range(dims)):
        for flips in itertools.product((0, 1), repeat=dims):
            for inverted in (False, True):
                code = 0
                for offset in itertools.product((0, 1), repeat=dims):
                    moved = [0] * dims
                    for axis in range(dims):
                        moved[order[axis]] = offset[axis] ^ flips[axis]
                    code = 2 * code + (neighbours[tuple(moved)] ^ inverted)
                if code in _CLASSES[dims]:
                    return sum(
                        _facet(normal, [spacing[order[axis]] for axis in range(dims)])
                        for normal in _CLASSES[dims][code]
                    )
    raise AssertionError("every neighbourhood belongs to a class")


def _facet(normal, spacing):
    if len(spacing) == 2:
        return math.hypot(normal[0] * spacing[1], normal[1] * spacing[0])
    s0, s1, s2 = spacing
    return math.hypot(normal[0] * s1 * s2, normal[1] * s0 * s2, normal[2] * s0 * s1)


def _border(mask):
    found = []
    for voxel in itertools.product(*map(range, mask.shape)):
        if not mask[voxel]:
            continue
        for axis, step in itertools.product(range(mask.ndim), (-1, 1)):
            near = tuple(v + step * (a == axis) for a, v in enumerate(voxel))
            if not _inside(mask, near):
                found.append(voxel)
                break
    return found


def _inside(mask, place):
    within = all(0 <= p < size for p, size in zip(place, mask.shape, strict=True))
    return bool(within and mask[place])


def _distance(first, second, spacing):
    return math.sqrt(
        sum(((a - b) * s) ** 2 for a, b, s in zip(first, second, spacing, strict=True))
    )
