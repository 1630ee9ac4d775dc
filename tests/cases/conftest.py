"""Small files for the tests of data."""

from pathlib import Path

import numpy as np
import pytest
import torch


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


@pytest.fixture(params=[(12, 9), (7, 6, 5)], ids=["2d", "3d"])
def sample(request) -> dict[str, torch.Tensor]:
    """What a change is given: three channels, two regions."""
    target = (torch.rand(2, *request.param) > 0.5).float()
    return {"image": torch.randn(3, *request.param), "target": target}
