"""Extra: the packages that detection alone needs, and what to do where they are missing."""

import io
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec

from inspire_med.errors import InputError

_NEEDED = ("mmengine", "mmcv", "mmdet")
_RECIPE = (
    "run make .venv/detection, or with torch installed: MMCV_WITH_OPS=1 pip install "
    "--no-build-isolation onedl-mmcv==2.3.6, then pip install --no-build-isolation "
    "'inspire-med[detection]'"
)


def require_extra() -> None:
    """Load mmengine, mmcv and mmdet, or say how to install them, and register this project's parts.

    mmdet tells of optional packages that nothing here uses; that is kept off the screen.

    Raises:
        InputError: If one of them is missing, or mmcv was installed without its operators.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"detection needs {', '.join(missing)}, not installed here; {_RECIPE}.")
    if find_spec("mmcv._ext") is None:
        raise InputError(f"mmcv: installed without its compiled operators; {_RECIPE}.")
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "faster_coco_eval is not installed")
        import_module("inspire_med.detection.parts")
