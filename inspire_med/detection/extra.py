"""Extra: the packages that detection alone needs, and what to do where they are missing."""

from importlib.util import find_spec

from inspire_med.errors import InputError

_NEEDED = ("mmengine", "mmcv", "mmdet")
_RECIPE = (
    "run make .venv/detection, or with torch installed: MMCV_WITH_OPS=1 pip install "
    "--no-build-isolation onedl-mmcv==2.3.6, then pip install --no-build-isolation "
    "'inspire-med[detection]'"
)


def require_extra() -> None:
    """Say how to install mmengine, mmcv and mmdet before an import fails without a word of it.

    Raises:
        InputError: If one of them is missing, or mmcv was installed without its operators.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"detection needs {', '.join(missing)}, not installed here; {_RECIPE}.")
    if find_spec("mmcv._ext") is None:
        raise InputError(f"mmcv: installed without its compiled operators; {_RECIPE}.")
