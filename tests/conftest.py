"""What several test files share."""

from pathlib import Path

import pytest
import torch

SHARED_DATA = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def real_data() -> Path:
    """Folder with the real data sets, which are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data are not at ../shared/data")
    return SHARED_DATA
