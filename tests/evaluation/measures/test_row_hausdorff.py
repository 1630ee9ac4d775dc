import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import directed_hausdorff

from inspire_med.evaluation.measures.row_hausdorff import row_hausdorff

MASKS = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


def test_rows_are_points_wherever_they_stand():
    one = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)

    assert row_hausdorff(one, one[::-1]) == 0  # moved down: the same rows
    assert row_hausdorff(one, np.zeros_like(one)) == pytest.approx(np.sqrt(2))
    assert row_hausdorff(one, ~one) == pytest.approx(np.sqrt(2))  # 1100 to 0011 is 2 = sqrt(4)


@settings(max_examples=60, deadline=None)
@given(MASKS)
def test_agrees_with_scipys_of_the_rows_as_points(masks):
    points = [mask.astype(float) for mask in masks]

    expected = max(directed_hausdorff(*points)[0], directed_hausdorff(*reversed(points))[0])
    assert row_hausdorff(*masks) == pytest.approx(expected, abs=1e-12)
