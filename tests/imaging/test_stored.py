from pathlib import Path

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.imaging.stored import reason_of, refuse_affine


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_voxels_of_any_size_are_taken(size):
    refuse_affine(Path("a.nii"), np.diag([size, -size, size, 1]))


@pytest.mark.parametrize("third", [[0, 0, 0], [1, 0, 1e-8], [1, 1, 0], [np.nan, 0, 1]])
@pytest.mark.parametrize("size", [1e-4, 1.0])
def test_voxels_on_a_plane_or_nowhere_are_refused(third, size):
    affine = np.eye(4)
    affine[:3, 2] = third
    affine[:3, :3] *= size

    with pytest.raises(InputError, match=r"a\.nii: its header has no usable voxel size or affine"):
        refuse_affine(Path("a.nii"), affine)


def test_a_reason_is_half_a_line():
    assert reason_of(ValueError("cut short.\nlong story")) == "cut short"
    assert reason_of(ValueError()) == "ValueError"
