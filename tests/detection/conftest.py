"""What the detection tests share."""

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

MISSING = [name for name in ("mmengine", "mmcv", "mmdet") if not importlib.util.find_spec(name)]
WITHOUT = ("test_extra.py",)  # what is tested where mm* are missing


@pytest.fixture(scope="session", autouse=True)
def listed() -> Iterator[None]:
    """Read mmdet's list of models, a hundred YAML files, once and not for each `mmdet::`."""
    with pytest.MonkeyPatch.context() as patch:
        if not MISSING:
            from mmengine.config import utils

            patch.setattr(utils, "_get_cfg_metainfo", cache(utils._get_cfg_metainfo))
        yield


class WithoutExtra(pytest.Module):
    """A module that could not be imported: skipped whole, with the reason."""

    def collect(self) -> list:
        pytest.skip(f"needs the detection extra: no {', '.join(MISSING)}", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> object:
    if MISSING and module_path.name not in WITHOUT:
        return WithoutExtra.from_parent(parent, path=module_path)
    return None
