"""Small files for the tests of data."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def brats_case(tmp_path, write_nifti) -> Path:
    """Folder of one good BraTS case, 8 x 7 x 6 voxels, with zeros around the head."""
    folder = tmp_path / "set" / "BraTS2021_00001"
    random = np.random.default_rng(0)
    head = np.zeros((8, 7, 6), bool)
    head[1:7, 2:6, 1:5] = True
    for channel in ("flair", "t1", "t1ce", "t2"):
        scan = np.where(head, random.integers(50, 200, head.shape), 0).astype(np.int16)
        write_nifti(folder / f"BraTS2021_00001_{channel}.nii.gz", scan)
    label = np.zeros(head.shape, np.uint8)
    label[2:6, 3:5, 2:4] = 2
    label[3:5, 3:5, 2:4] = 1
    label[3, 3, 2] = 4
    write_nifti(folder / "BraTS2021_00001_seg.nii.gz", label)
    return folder
