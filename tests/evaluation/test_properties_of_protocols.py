"""What must hold under every protocol of masks, whatever the label maps look like."""

import math

import numpy as np
import pytest
from examples import costly
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inspire_med.evaluation import evaluate_case
from inspire_med.evaluation.protocols import PROTOCOLS, MaskProtocol

pytestmark = pytest.mark.slow  # together half a minute

# As brats2023-gli, and as those of 2025 and brats2026-menpre.
SAME_RULES = ("brats2023-ped", "brats2023-ssa", "brats2026-goat")
SAME_RULES += ("brats2024-gli", "brats2024-menrt", "brats2024-ped", "brats2024-ssa")
MASKS = [
    name
    for name, each in PROTOCOLS.items()
    if isinstance(each, MaskProtocol) and name not in SAME_RULES
]
# Joining across tissues takes the first of several that touch, in scan order; where lesions are
# paired, that order decides between equal overlaps.
PAIRED = [name for name in MASKS if name.startswith(("isles2024", "isles2026", "brats2026"))]
STEADY = [name for name in MASKS if not (PROTOCOLS[name].tissues or name in PAIRED)]
BY_DIAGONAL = ("brats2025-menrt", "brats2025-met")  # their penalty is the size of the volume
SPACINGS = (0.5, 0.9, 1.0, 2.0, 5.0)


@st.composite
def label_pairs(draw):
    """Two label maps of one shape with labels 0 to 3, mostly background, and a spacing."""
    shape = draw(st.tuples(*(st.integers(1, 6),) * 3))
    values = st.sampled_from((0, 0, 0, 0, 1, 2, 3))
    maps = arrays.arrays(np.uint8, shape, elements=values)
    return draw(maps), draw(maps), draw(st.tuples(*(st.sampled_from(SPACINGS),) * 3))


def scores(name, reference, prediction, spacing):
    rules = PROTOCOLS[name]
    known = {value for values in (rules.regions or {}).values() for value in values}
    used = {"brats2021": np.array([0, 1, 2, 4])}.get(name, np.arange(4))
    used = np.where(np.isin(used, [0, *known]) | (not known), used, 0)
    maps = (np.ascontiguousarray(used[each]) for each in (reference, prediction))
    regions = {"any": (1, 2, 3), "one": (1,)} if rules.regions is None else None
    found = evaluate_case(*maps, spacing, name, regions=regions)
    return {
        (region, measure): value
        for region, result in found.items()
        for measure, value in result.measures.items()
    }


def assert_same(first, second, but=()):
    for key, value in first.items():
        if key[1] not in but:
            assert value == pytest.approx(second[key], rel=1e-9, abs=1e-9, nan_ok=True), key


@pytest.mark.parametrize("name", STEADY)
@costly
@given(pair=label_pairs(), data=st.data())
def test_flips_and_exchanged_axes_change_nothing(name, pair, data):
    reference, prediction, spacing = pair
    axis = data.draw(st.integers(0, 2))
    order = data.draw(st.permutations(range(3)))

    turned = [np.flip(each, axis).transpose(order) for each in (reference, prediction)]

    there = scores(name, *turned, [spacing[place] for place in order])
    assert_same(scores(name, *pair), there)


@pytest.mark.parametrize("name", [name for name in MASKS if name not in BY_DIAGONAL])
@costly
@given(pair=label_pairs(), wide=st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_a_wider_field_of_view_changes_specificity_alone(name, pair, wide):
    reference, prediction, spacing = pair
    sides = list(zip(wide[:3], wide[3:], strict=True))

    padded = scores(name, np.pad(reference, sides), np.pad(prediction, sides), spacing)

    assert_same(scores(name, *pair), padded, but=("specificity",))


@pytest.mark.parametrize("name", MASKS)
@costly
@given(pair=label_pairs())
def test_values_stay_in_their_bounds(name, pair):
    measures = PROTOCOLS[name].measures
    for (_, measure), value in scores(name, *pair).items():
        if measures[measure].is_ratio and not math.isnan(value):
            assert 0 <= value <= 1 + 1e-9, measure
        elif measures[measure].better == "low" and not math.isnan(value):
            assert value >= 0, measure


# The scripts of MEN-RT and PED take small lesions out of the prediction alone.
@pytest.mark.parametrize(
    "name",
    [name for name in (*STEADY, *PAIRED) if name not in ("brats2025-menrt", "brats2025-ped")],
)
@costly
@given(pair=label_pairs())
def test_a_map_agrees_with_itself(name, pair):
    reference, _, spacing = pair
    measures = PROTOCOLS[name].measures
    found = scores(name, reference, reference, spacing)

    for (_, measure), value in found.items():
        # How many lesions there are is no score; specificity of BraTS is 0 without a background.
        if not (math.isnan(value) or "lesions_" in measure or measure == "specificity"):
            assert value == pytest.approx(float(measures[measure].better == "high")), measure
