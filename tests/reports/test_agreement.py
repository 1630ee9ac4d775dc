import math

import pytest

from inspire_med.reports.agreement import agreement


def test_bias_and_limits_by_hand():
    found = agreement([(10.0, 11.0), (20.0, 23.0), (30.0, 32.0)])  # differences 1, 3, 2

    assert found.bias == 2.0
    assert found.limits == pytest.approx((2 - 1.96, 2 + 1.96))  # their deviation is 1
    assert found.n == 3


def test_predictions_that_are_too_large_have_a_positive_bias():
    assert agreement([(1.0, 2.0), (1.0, 2.0)]).bias == 1.0


def test_one_case_has_no_limits():
    assert agreement([(1.0, 4.0)]).limits is None


def test_no_case_has_no_agreement():
    assert agreement([]) is None


def test_equal_sizes_agree_wholly():
    found = agreement([(5.0, 5.0)] * 4)

    assert (found.bias, found.limits) == (0.0, (0.0, 0.0))
    assert math.isfinite(found.bias)
