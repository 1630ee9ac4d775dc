"""A plan for tests, that each changes in what it is about."""

from dataclasses import replace
from typing import Any

from inspire_med.cases.planning.plan import Plan

_PLAN = Plan(
    spacing_mm=(1.0, 1.0, 2.0),
    image_size=None,
    intensity="mri",
    patch_size=(32, 32, 16),
    batch_size=2,
    strides=((2, 2, 1), (2, 2, 2)),
    kernel_sizes=((3, 3, 1), (3, 3, 3), (3, 3, 3)),
    widths=(8, 16, 32),
    stem_stride=1,
    norm="batch",
    deep_supervision=2,
)


def plan_of(**fields: Any) -> Plan:
    """Three levels for volumes of thick slices, or with other values of some fields."""
    return replace(_PLAN, **fields)
