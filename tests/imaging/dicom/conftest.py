from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

SPACING = (0.9, 1.1, 4.5)


@pytest.fixture
def voxels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, (12, 10, 7)).astype(np.uint16)


@pytest.fixture
def placed() -> Callable[..., np.ndarray]:
    """An affine to RAS+ mm that turns by angles in degrees; `mirror` counts an axis backwards."""

    def make(turn=(10, -20, 30), spacing=SPACING, origin=(-30.0, 20.0, 10.0), mirror=(1, 1, 1)):
        affine = np.eye(4)
        sizes = np.array(spacing) * mirror
        affine[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() * sizes
        affine[:3, 3] = origin
        return affine

    return make
