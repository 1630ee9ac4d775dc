"""Sizes that every block meets."""

import pytest


@pytest.fixture(params=[2, 3], ids=["2d", "3d"])
def dims(request) -> int:
    return request.param


@pytest.fixture
def fine(dims) -> tuple[int, ...]:
    return (13, 10, 7)[:dims]


@pytest.fixture
def coarse(dims) -> tuple[int, ...]:
    return (7, 5, 4)[:dims]
